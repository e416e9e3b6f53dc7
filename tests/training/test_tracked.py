"""A training is one run in MLflow, whatever interrupts it, and its weights become a version."""

import json
from contextlib import contextmanager
from pathlib import Path

import pytest

from graticule.core.errors import ConfigError, StorageError
from graticule.experiments.models import fetch, registered
from graticule.experiments.server import client
from graticule.training.observer import Observer
from graticule.training.registering import packaged, register_finished
from graticule.training.run import train
from graticule.training.settings import train_settings
from graticule.training.tracked import tracked
from labelled_images import TINY, labelled_folder
from mlflow_home import mlflow_home
from random_weights import random_weights
from threads import one_thread

__all__ = ["mlflow_home", "one_thread"]

pytestmark = pytest.mark.usefixtures("mlflow_home")


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    return labelled_folder(tmp_path_factory.mktemp("labelled") / "set")


def trained(data: Path, out: Path, *others, logged=True, **overrides):
    settings = train_settings(
        data=[str(data)], out=str(out), overrides={**TINY, **overrides}, model="vmamba", validated=1
    )
    observe = [tracked(settings.model_dump(mode="json"))] if logged else []
    [done] = train(settings, device="cpu", observe=[*observe, *others])
    return done


def ending(error: BaseException, *, step: int):
    """Return an observer that ends the training at a step."""

    class Ending(Observer):
        def listen(self, event) -> None:
            if event.step == step:
                raise error

        def finish(self, finished) -> None:
            raise AssertionError("it did not finish")

    @contextmanager
    def observe(job):
        yield Ending()

    return observe


def runs():
    ids = [experiment.experiment_id for experiment in client().search_experiments()]
    return client().search_runs(ids)


def series(run, metric: str) -> dict[int, float]:
    found = client().get_metric_history(run.info.run_id, metric)
    assert len(found) == len({entry.step for entry in found}), "a step is logged twice"
    return {entry.step: entry.value for entry in found}


def test_a_training_is_logged_and_its_weights_registered(images, tmp_path):
    done = trained(images, tmp_path / "out")
    [run] = runs()
    history = json.loads(Path(done.path("history.json")).read_text())
    assert run.info.status == "FINISHED"
    assert series(run, "train/loss") == {e["epoch"]: e["losses"]["loss"] for e in history}
    assert series(run, "validation/score") == {e["epoch"]: e["metrics"]["score"] for e in history}
    assert sorted(series(run, "step/loss")) == [1, 2, 3, 4, 5, 6]
    assert run.data.params["size"] == "32"
    assert run.data.params["config.mid"] == "4"
    assert run.data.params["data"] == f"[{str(images)!r}]"
    assert len(run.data.tags["mlflow.source.git.commit"].removesuffix("-dirty")) == 40
    [given] = run.inputs.dataset_inputs
    assert given.dataset.name == str(images)
    files = {file.path for file in client().list_artifacts(run.info.run_id)}
    assert files == {
        *("settings.json", "data.json", "environment.json", "recipe.toml"),
        *("history.json", "metrics.json", "samples.png", "card.md"),
    }
    [entry] = registered()
    assert (entry.name, entry.version, entry.network) == ("graticule-segmenter", 1, "vmamba")
    [weights] = fetch(entry.address).rglob("*.safetensors")
    assert weights.read_bytes() == Path(done.weights).read_bytes()


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), "KILLED"), (ConfigError("no"), "FAILED")]
)
def test_a_training_that_was_ended_goes_on_in_the_same_run(images, tmp_path, error, status):
    with pytest.raises(type(error)):
        trained(images, tmp_path / "out", ending(error, step=4))
    [run] = runs()
    assert run.info.status == status
    trained(images, tmp_path / "out")
    [again] = runs()
    assert (again.info.run_id, again.info.status) == (run.info.run_id, "FINISHED")
    assert sorted(series(again, "train/loss")) == [1, 2]
    assert sorted(series(again, "step/loss")) == [1, 2, 3, 4, 5, 6]


def test_a_run_that_was_deleted_is_begun_anew(images, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(images, tmp_path / "out", ending(KeyboardInterrupt(), step=4))
    [old] = runs()
    client().delete_run(old.info.run_id)
    trained(images, tmp_path / "out")
    [new] = runs()
    assert new.info.run_id != old.info.run_id
    assert sorted(series(new, "train/loss")) == [1, 2], "epochs before are taken from the history"


def test_an_mlflow_that_is_not_there_is_known_before_the_training(images, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ConfigError, match=r"MLflow http://127.0.0.1:9 does not answer"):
        trained(images, tmp_path / "out")
    assert not (tmp_path / "out" / "vmamba" / "weights.safetensors").exists()


def test_an_mlflow_that_goes_away_does_not_end_the_training_and_the_same_command_tells_it(
    images, tmp_path, monkeypatch
):
    def away(event) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    class Pulling(Observer):
        listen = staticmethod(away)
        finish = staticmethod(away)

    @contextmanager
    def pull(job):
        yield Pulling()

    out = tmp_path / "out"
    with pytest.raises(ConfigError, match=r"does not answer .*graticule models register .*out/vmamba"):
        trained(images, out, pull)
    weights = (out / "vmamba" / "weights.safetensors").read_bytes()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    for _ in range(2):
        assert not trained(images, out).worked
        [entry] = registered()
        [run] = runs()
        assert entry.version == 1
        assert sorted(series(run, "train/loss")) == [1, 2]
        assert run.info.status == "FINISHED"
    assert (out / "vmamba" / "weights.safetensors").read_bytes() == weights


def test_a_training_without_mlflow_can_be_registered_later(images, tmp_path):
    trained(images, tmp_path / "out", logged=False)
    assert registered() == []
    entry = register_finished(str(tmp_path / "out" / "vmamba"))
    assert register_finished(str(tmp_path / "out" / "vmamba")) == entry
    [run] = runs()
    assert sorted(series(run, "train/loss")) == [1, 2]
    assert run.data.params["size"] == "32"
    assert run.data.params["data"] == f"[{str(images)!r}]"
    assert not trained(images, tmp_path / "out").worked
    assert len(runs()) == 1, "it is known already"


@pytest.mark.parametrize(("semantic", "mode"), [(True, "semantic"), (False, "automatic")])
def test_what_is_registered_says_in_which_mode_its_weights_are_used(tmp_path, semantic, mode):
    sizes = {"width": 8, "depth": 1, "heads": 1, "semantic": semantic}
    weights = random_weights(tmp_path / "w.safetensors", "efficient-sam-ti", **sizes)
    assert packaged(weights, "efficient-sam-ti").options == {"mode": mode}


def test_only_a_finished_training_can_be_registered(tmp_path):
    with pytest.raises(StorageError, match="holds no finished training"):
        register_finished(str(tmp_path))
