"""The doctor says what works, what does not, and what to do about it."""

import json
import socket

import pytest

from graticule.cli.doctor.installation import EXTRAS
from graticule.core.requirements import Needed, needed


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch, tmp_path):
    for name in ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "GRATICULE_SCAN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def examined(graticule):
    """Run the doctor; return its status, and what it found by name."""

    def examine() -> tuple[int, dict[str, dict[str, str]]]:
        status, out, _ = graticule("doctor", "--json")
        said = json.loads(out)
        assert said["works"] == (status == 0)
        return status, {each["name"]: each for each in said["findings"]}

    return examine


def problems(found: dict[str, dict[str, str]]) -> list[str]:
    return [name for name, each in found.items() if each["state"] == "problem"]


def test_where_all_is_well_the_status_is_0(examined):
    status, found = examined()
    assert (status, problems(found)) == (0, [])
    assert found["zarr codecs"]["found"].startswith("zarrs ")
    assert "H.264" in found["video"]["found"]
    assert found["selective scan"]["found"].partition(" ")[0] in ("compiled", "triton", "mamba")
    assert "GiB free" in found["GRATICULE_HOME"]["found"]
    assert {f"extra [{name}]" for name in EXTRAS} <= found.keys()


def test_for_people_there_is_a_line_each_and_a_last_word(graticule):
    status, out, err = graticule("doctor")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "all that is installed works"
    assert {line.split()[0] for line in out.splitlines()} >= {
        "python",
        "graticule",
        "ray",
        "memory",
        "registry",
    }


def test_a_problem_has_its_remedy_on_its_line_and_the_status_is_1(graticule, monkeypatch):
    monkeypatch.setenv("GRATICULE_SCAN", "mamba")
    status, out, _ = graticule("doctor")
    assert status == 1
    (line,) = (line for line in out.splitlines() if line.startswith("selective scan"))
    assert "PROBLEM" in line
    assert "usable: " in line
    assert out.splitlines()[-1] == "to be put right: selective scan"


def test_a_home_that_is_a_file_is_a_problem(examined, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GRATICULE_HOME", str(tmp_path / "file"))
    status, found = examined()
    assert (status, problems(found)) == (1, ["GRATICULE_HOME"])


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_a_registry_that_does_not_answer_is_a_problem(examined, monkeypatch, closed_port):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://somebody:secret@127.0.0.1:{closed_port}")
    status, found = examined()
    assert (status, problems(found)) == (1, ["registry"])
    assert "MLFLOW_TRACKING_URI" in found["registry"]["found"]
    assert "secret" not in json.dumps(found)


@pytest.mark.parametrize(
    ("address", "remedy"), [("127.0.0.1:{}", "start Ray there"), ("http://127.0.0.1:{}", "HOST:6379")]
)
def test_a_ray_that_cannot_be_joined_is_a_problem(examined, monkeypatch, closed_port, address, remedy):
    monkeypatch.setenv("RAY_ADDRESS", address.format(closed_port))
    status, found = examined()
    assert (status, problems(found)) == (1, ["Ray address"])
    assert remedy in found["Ray address"]["found"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"RAY_AUTH_MODE": "token"}, "there is no token"),
        ({"RAY_AUTH_TOKEN_PATH": "/nowhere/token"}, "/nowhere/token cannot be read"),
    ],
)
def test_a_token_that_is_missing_is_a_problem(examined, monkeypatch, variables, said):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    status, found = examined()
    assert (status, problems(found)) == (1, ["Ray token"])
    assert said in found["Ray token"]["found"]


def test_a_token_is_named_by_where_it_lies_and_never_shown(examined, monkeypatch, tmp_path):
    (tmp_path / "token").write_text("very-secret-indeed")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    status, found = examined()
    assert status == 0
    assert str(tmp_path / "token") in found["Ray token"]["found"]
    assert "very-secret-indeed" not in json.dumps(found)


@pytest.mark.parametrize(
    ("wanted", "installed", "met"),
    [
        (">=2", "2.1", True),
        (">=2", "1.9", False),
        (">=2", "2.1.dev3+gabc", True),
        ("", "0", True),
        ("", None, False),
    ],
)
def test_a_requirement_is_met_by_a_version_within_it(wanted, installed, met):
    assert Needed(package="a", wanted=wanted, installed=installed).met is met


def test_what_is_needed_is_what_the_installed_package_says():
    assert {"numpy", "zarr", "ray", "packaging"} <= {each.package for each in needed()}
    assert {each.package for each in needed("em")} >= {"rosettasciio", "h5py"}
    assert "rosettasciio" not in {each.package for each in needed()}
    assert needed("no-such-extra") == []
