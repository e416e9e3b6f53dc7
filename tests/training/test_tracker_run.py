"""From simulated movies and stills to a tracker's weights on disk."""

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from mlflow.pyfunc import load_model

from graticule import tracking
from graticule.core.errors import InputError
from graticule.experiments.models import fetch, registered
from graticule.models.weights import load_network
from graticule.synthetic import simulate
from graticule.training.observer import Observer
from graticule.training.registering import register_finished
from graticule.training.run import Finished, train
from graticule.training.settings import train_settings
from labelled_images import labelled_folder
from mlflow_home import mlflow_home
from threads import one_thread

__all__ = ["mlflow_home", "one_thread"]

TINY = {
    "start": "random",
    "size": 49,
    "batch": 2,
    "steps": 2,
    "epochs": 2,
    "warmup": 1,
    "clips.frames": 2,
}


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    return labelled_folder(tmp_path_factory.mktemp("labelled") / "set")


def trained(images: Path, out: Path, *, observe=(), **overrides) -> Finished:
    settings = train_settings(
        model="deaot-t",
        data=[str(images), "synthetic:varied"],
        out=str(out),
        overrides={**TINY, **overrides},
        registered=False,
        validated=2,
    )
    [done] = train(settings, device="cpu", observe=observe)
    assert isinstance(done, Finished)
    return done


@pytest.fixture(scope="module")
def done(images, tmp_path_factory) -> Finished:
    return trained(images, tmp_path_factory.mktemp("trained"))


@contextmanager
def killed(job):
    class Killed(Observer):
        def listen(self, event) -> None:
            if event.step == 3:
                raise KeyboardInterrupt

        def finish(self, finished) -> None:
            raise AssertionError("it did not finish")

    yield Killed()


def losses(folder: Path) -> list[float]:
    return [epoch["losses"]["loss"] for epoch in json.loads((folder / "history.json").read_text())]


def test_movies_and_stills_become_weights_with_all_that_is_to_know(done, images):
    folder = Path(done.folder)
    card = (folder / "card.md").read_text()
    for said in ("--tracker deaot --tracker-option weights=", str(images), "synthetic:varied"):
        assert said in card
    assert "2 epochs of 2 steps of 2 clips, 2 frames of 49 px" in card
    assert set(done.metrics) == {"iou", "right", "score"}
    assert load_network("deaot-t", done.weights).config.slots == 10
    assert (folder / "samples.png").stat().st_size > 1000


def test_a_tracker_takes_the_weights(done):
    made = tracking.create("deaot", weights=done.weights)
    assert made.pinned_weights()["weights_sha256"]


def test_a_killed_training_goes_on_and_ends_like_one_that_was_not(done, images, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(images, tmp_path, observe=[killed])
    cut = trained(images, tmp_path)
    assert cut.worked
    assert losses(Path(cut.folder)) == pytest.approx(losses(Path(done.folder)), abs=1e-5)


def test_a_training_starts_from_the_weights_it_is_given(done, images, tmp_path):
    before = load_network("deaot-t", done.weights).state_dict()
    other = {"start": done.weights, "learning_rate": 1e-12, "weight_decay": 0.0, "epochs": 1, "steps": 1}
    after = load_network("deaot-t", trained(images, tmp_path, **other).weights)
    for name, value in after.named_parameters():
        np.testing.assert_allclose(value.detach(), before[name], atol=1e-6)


WITHOUT_RAY = """
import json, sys
sys.modules["ray"] = None
from graticule.training.run import train
from graticule.training.settings import train_settings
data, out, overrides = json.loads(sys.argv[1])
more = {"model": "deaot-t", "overrides": overrides, "registered": False, "validated": 1}
settings = train_settings(data=[data], out=out, **more)
[done] = train(settings, device="cpu")
print(done.weights)
"""


def test_it_is_trained_where_ray_is_not_installed(images, tmp_path):
    given = json.dumps([str(images), str(tmp_path), {**TINY, "epochs": 1, "steps": 1}])
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_RAY, given], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_file()


def test_the_job_says_in_one_line_what_cannot_be(tmp_path):
    job = Path(__file__).parents[2] / "jobs" / "train_tracker.py"
    options = ["--data", "synthetic:varied", "--out", str(tmp_path), "--start", "random", "--size", "100"]
    done = subprocess.run(
        [sys.executable, str(job), *options], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if "error" in line]
    assert "deaot-t needs a size of 1 px more than a multiple of 16 px, got 100; give 97" in line


@pytest.mark.usefixtures("mlflow_home")
def test_it_is_registered_among_the_trackers_and_mlflow_can_track_with_it(done):
    entry = register_finished(done.folder)
    assert (entry.name, entry.network) == ("graticule-tracker", "deaot-t")
    assert [one.name for one in registered()] == ["graticule-tracker"]
    model = load_model(str(next(fetch(entry.address).rglob("MLmodel")).parent))
    movie = list(simulate("easy", frames=3, size=96, seed=3))
    stack = np.stack([[frame.image for frame in movie], [frame.labels for frame in movie]])
    tracks = model.predict(stack)
    assert tracks.dtype == np.uint32
    assert tracks.shape == stack.shape[1:]
    assert ((tracks > 0) >= (stack[1] > 0)).all()
    with pytest.raises(InputError, match=r"one stack \(2, t, y, x\) of numbers"):
        model.predict(stack[0])
