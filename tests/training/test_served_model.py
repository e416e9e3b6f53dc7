"""A registered segmenter is used by its address: by graticule, and by MLflow alone."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlflow.exceptions import MlflowException

from graticule import models
from graticule.core.errors import InputError
from graticule.experiments.register import Package, register
from graticule.experiments.runs import start
from graticule.experiments.server import client, tracking_uri
from graticule.models.weights import locate, weights_sha256
from graticule.tiling import segment_frames
from graticule.training.registering import packaged
from mlflow_home import mlflow_home
from threads import one_thread
from weights_on_disk import frames

__all__ = ["mlflow_home", "one_thread"]

pytestmark = pytest.mark.usefixtures("mlflow_home")


@pytest.fixture(scope="module")
def network(lively) -> tuple[str, dict]:
    return lively("swin-unet")


def registered(network, **options):
    name, known = network
    run = start("e", name)
    package = packaged(Path(known["weights"]), name)
    chosen = {key: value for key, value in known.items() if key != "weights"}
    package = Package(**{**vars(package), "options": {**chosen, **options}})
    return register(run, package, scores={"iou": 0.5, "score": 0.25}, step=3), run


ALONE = """
import sys, warnings
import mlflow.pyfunc, numpy
warnings.simplefilter("error", UserWarning)
model = mlflow.pyfunc.load_model(sys.argv[1])
given = dict(numpy.load("given.npz"))
numpy.savez("found.npz", **{name: model.predict(images) for name, images in given.items()})
"""


def by_mlflow_alone(entry, folder: Path, given: dict) -> dict:
    """Return what a registered model finds, asked by a program that knows of MLflow only."""
    folder.mkdir()
    np.savez(folder / "given.npz", **given)
    command = [sys.executable, "-c", ALONE, f"models:/{entry.name}/{entry.version}"]
    known = {**os.environ, "MLFLOW_TRACKING_URI": tracking_uri(), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(np.load(folder / "found.npz"))


def expected(network, images):
    name, options = network
    segmenter = models.create(name, **models.adapt(name, options, images))
    return segment_frames(segmenter, images, tile=2048)


def test_mlflow_alone_segments_as_graticule_does(network, tmp_path):
    entry, _ = registered(network)
    images = frames(2, size=64)
    stacks = {kind: images.astype(kind) for kind in ("uint8", "uint16", "float32", "float64")}
    found = by_mlflow_alone(entry, tmp_path / "alone", {**stacks, "one": images[0]})
    for kind, stack in stacks.items():
        assert found[kind].dtype == np.uint32
        assert found[kind].max() > 1
        np.testing.assert_array_equal(found[kind], expected(network, stack))
    np.testing.assert_array_equal(found["one"], expected(network, images[:1])[0])


def test_what_is_registered_says_what_it_is_and_how_good(network):
    entry, run = registered(network)
    sha256 = weights_sha256(network[0], network[1]["weights"])
    options = {name: str(value) for name, value in network[1].items() if name != "weights"}
    assert (entry.name, entry.version, entry.network) == ("graticule-segmenter", 1, network[0])
    assert entry.tags == {
        **options,
        "network": network[0],
        "sha256": sha256,
        "score.iou": "0.5",
        "score.score": "0.25",
    }
    [model] = client().search_logged_models([run.experiment_id])
    assert {metric.key: metric.value for metric in model.metrics} == {"iou": 0.5, "score": 0.25}


def test_the_same_weights_of_a_run_are_registered_once(network):
    entry, run = registered(network)
    again = register(run, packaged(Path(network[1]["weights"]), network[0]), scores={})
    assert again == entry


def test_weights_are_found_by_the_address_of_a_version(network):
    entry, _ = registered(network)
    address = f"models:/{entry.name}/{entry.version}"
    assert locate(network[0], address).read_bytes() == Path(network[1]["weights"]).read_bytes()
    assert models.pinned(network[0], {"weights": address})["weights_sha256"] == entry.tags["sha256"]


def test_nothing_that_is_registered_is_a_pickle(network, mlflow_home):
    registered(network)
    files = [path for path in (mlflow_home / "mlartifacts").rglob("*") if path.is_file()]
    names = {path.name for path in files}
    assert {"MLmodel", "served_model.py", "swin-unet.safetensors", "requirements.txt"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".pt", ".pth"))]
    [wanted] = [path.read_text() for path in files if path.name == "requirements.txt"]
    assert wanted.startswith("graticule==")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((64, 64, 3), np.uint8), "looks coloured"),
        (np.zeros(5), "is no shape of an image"),
        (np.array([["a", "b"]]), "give numbers"),
        ([[[1.0, 2.0]], [[1.0]]], "same size"),
    ],
)
def test_what_is_no_grey_image_is_refused(given, said):
    from graticule.training.served_model import grey_frames

    with pytest.raises(InputError, match=said):
        grey_frames(np.array(given, object) if isinstance(given, list) else given)


def test_a_file_that_is_no_safetensors_is_not_registered(tmp_path):
    (tmp_path / "w.pt").write_bytes(b"PK\x03\x04 and more")
    run = start("e", "r")
    with pytest.raises(InputError, match=r"is no safetensors file.*graticule models convert"):
        register(run, packaged(tmp_path / "w.pt", "swin-unet"), scores={})
    with pytest.raises(MlflowException):
        client().get_registered_model("graticule-segmenter")
