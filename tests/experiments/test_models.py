"""Registered models are found by alias and version, and fetched once."""

import subprocess
import sys

import pytest

from graticule.core.errors import ConfigError, InputError
from graticule.experiments.models import fetch, registered, resolve
from graticule.experiments.server import tracking_uri
from graticule.models.weights import locate, weights_sha256
from graticule.models.weights.cache import file_sha256


def test_where_nothing_was_registered_nothing_is_begun(tmp_path, monkeypatch):
    monkeypatch.setenv("GRATICULE_HOME", str(tmp_path))
    assert registered() == []
    with pytest.raises(ConfigError, match="models:/a/1: nothing is registered in sqlite:///"):
        fetch("models:/a/1")
    assert list(tmp_path.iterdir()) == []


def test_an_alias_stands_for_the_version_it_has_now(register):
    first = register("moved", {"w.safetensors": b"1"}, alias="champion")
    assert resolve("models:/moved@champion") == first
    second = register("moved", {"w.safetensors": b"2"}, alias="champion")
    assert resolve("models:/moved@champion") == second
    assert resolve(first) == first
    assert [
        (entry.version, entry.aliases, entry.address) for entry in registered() if entry.name == "moved"
    ] == [
        (1, (), "models:/moved/1"),
        (2, ("champion",), "models:/moved@champion"),
    ]


def test_a_network_is_known_by_its_tag(register):
    register("tagged", {"w.safetensors": b"1"}, network="vmamba")
    assert {entry.network for entry in registered() if entry.name == "tagged"} == {"vmamba"}


def test_a_registered_models_files_are_fetched_once(register):
    address = register("fetched", {"artifacts/w.safetensors": b"12", "MLmodel": b"x"})
    folder = fetch(address)
    assert [path.read_bytes() for path in folder.rglob("*.safetensors")] == [b"12"]
    born = folder.stat().st_ino
    assert fetch(address).stat().st_ino == born
    assert not list(folder.parent.glob(".*"))


@pytest.mark.parametrize("address", ["models:/none@champion", "models:/listed@none", "models:/listed/7"])
def test_what_is_not_registered_lists_what_is(register, address):
    register("listed", {"w.safetensors": b"1"}, alias="best")
    with pytest.raises(ConfigError) as caught:
        fetch(address)
    said = str(caught.value)
    assert said.startswith(f"{address} is not registered in {tracking_uri()}; registered: ")
    assert "models:/listed/1" in said
    assert " @best" in said
    assert "\n" not in said


def test_weights_of_a_registered_model_are_located_and_kept_by_what_they_hold(register, at_home):
    address = register("located", {"artifacts/w.safetensors": b"weights"}, alias="champion")
    path = locate("swin-unet", "models:/located@champion")
    assert path.read_bytes() == b"weights"
    assert path.name == file_sha256(path) == weights_sha256("swin-unet", address)


@pytest.mark.parametrize("files", [{"a.txt": b"1"}, {"a.safetensors": b"1", "b.safetensors": b"2"}])
def test_a_registered_model_holds_one_weights_file(register, files):
    with pytest.raises(InputError, match=r"should hold one \.safetensors file"):
        locate("swin-unet", register("odd", files))


def test_files_that_are_gone_are_named(register, at_home):
    from graticule.experiments.server import client

    client().create_registered_model("gone")
    client().create_model_version("gone", source=str(at_home / "nowhere"))
    with pytest.raises(InputError, match=r"models:/gone/1: its files cannot be fetched .*register it again"):
        fetch("models:/gone/1")


def test_a_server_that_does_not_answer_is_named_in_one_line(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(
        ConfigError, match=r"registry http://127.0.0.1:9 does not answer .*MLFLOW_TRACKING_URI"
    ):
        resolve("models:/a@b")


def test_mlflow_is_not_imported_until_it_is_asked():
    code = "import sys, graticule.models, graticule.experiments.models; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
