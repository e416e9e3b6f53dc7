"""``graticule mlflow``, and the registry in ``graticule models``."""

import socket
from pathlib import Path

import pytest

from graticule.experiments.register import register
from graticule.experiments.runs import start
from graticule.training.registering import packaged
from mlflow_home import mlflow_home
from random_weights import tiny_swin

__all__ = ["mlflow_home"]

pytestmark = pytest.mark.usefixtures("mlflow_home")


@pytest.fixture
def version(tmp_path) -> int:
    weights = tiny_swin(tmp_path / "w.safetensors")
    entry = register(start("e", "r"), packaged(Path(weights), "swin-unet"), scores={"score": 0.5})
    return entry.version


def test_a_taken_port_is_one_line(graticule):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        status, _, err = graticule("mlflow", "--port", taken.getsockname()[1])
    assert status == 1
    assert err.startswith("graticule: error: cannot listen at 127.0.0.1, port ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("port", ["0", "70000", "x"])
def test_a_port_that_cannot_be_is_wrong_usage(graticule, port):
    status, _, err = graticule("mlflow", "--port", port)
    assert status == 2
    assert "--port" in err


def test_the_champion_is_set_said_and_taken_away(graticule, version):
    assert graticule("models", "champion")[0] == 1
    told = f"champion: models:/graticule-segmenter/{version} (swin-unet)\n"
    assert graticule("models", "champion", version)[:2] == (0, told)
    assert graticule("models", "champion")[:2] == (0, told)
    _, out, _ = graticule("models")
    [line] = [line for line in out.splitlines() if line.startswith("registered")]
    assert line.split() == [
        *("registered", f"models:/graticule-segmenter/{version}", "swin-unet", "champion", "score", "0.5")
    ]
    assert graticule("models", "champion", "none")[:2] == (0, "champion: none\n")
    status, _, err = graticule("models", "champion")
    assert status == 1
    assert "there is no champion" in err


@pytest.mark.parametrize(
    ("text", "said"), [("9", "graticule-segmenter/9 is not registered"), ("best", "'best' is no version")]
)
def test_a_version_that_cannot_be_is_one_line(graticule, version, text, said):
    status, _, err = graticule("models", "champion", text)
    assert status == 1
    assert said in err
    assert err.count("\n") == 1


def test_a_folder_without_a_training_is_not_registered(graticule, tmp_path):
    status, _, err = graticule("models", "register", tmp_path)
    assert status == 1
    assert "holds no finished training" in err
