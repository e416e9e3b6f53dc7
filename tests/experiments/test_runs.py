"""A run says what was asked for and measured, and keeps its files in the home."""

import pytest

from graticule.core.errors import ConfigError
from graticule.experiments.runs import find, start
from graticule.experiments.server import artifact_root, client
from mlflow_home import mlflow_home

__all__ = ["mlflow_home"]

pytestmark = pytest.mark.usefixtures("mlflow_home")


def stored(run):
    return client().get_run(run.run_id)


def test_params_are_flat_and_long_ones_are_cut():
    run = start("e", "r", params={"size": 32, "augmentation": {"scale": (0.7, 1.4)}, "long": "x" * 7000})
    params = stored(run).data.params
    assert params["size"] == "32"
    assert params["augmentation.scale"] == "(0.7, 1.4)"
    assert len(params["long"]) == 6000
    assert params["long"].endswith("…")


def test_more_params_and_metrics_than_go_into_one_request_are_all_there():
    run = start("e", "r", params={f"p{n}": n for n in range(150)})
    run.metrics(0, {f"m{n}": float(n) for n in range(1100)})
    assert len(stored(run).data.params) == 150
    assert len(stored(run).data.metrics) == 1100


def test_names_that_mlflow_refuses_are_written_otherwise():
    run = start("e", "r")
    run.metrics(1, {"hard, size 3 (% of µ)/iou": 0.5})
    assert stored(run).data.metrics == {"hard_ size 3 __ of __/iou": 0.5}


def test_metrics_are_drawn_over_their_steps():
    run = start("e", "r")
    for step in (3, 1, 2):
        run.metrics(step, {"train/loss": 1 / step})
    assert run.steps("train/loss") == [1, 2, 3]
    assert run.steps("never") == []


def test_files_lie_in_the_home_wherever_the_job_works(mlflow_home, tmp_path):
    run = start("graticule training", "r")
    (tmp_path / "a.txt").write_text("1")
    run.artifact(b"2", "samples/b.txt")
    run.artifact(tmp_path / "a.txt", "renamed.txt")
    run.artifact(mlflow_home.parent / "work", "empty")
    found = {path.name: path.read_text() for path in mlflow_home.rglob("*.txt")}
    assert found == {"b.txt": "2", "renamed.txt": "1"}
    assert artifact_root() == mlflow_home / "mlartifacts"


def test_a_database_that_is_named_keeps_files_beside_it(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other/my.db")
    assert artifact_root() == tmp_path / "other" / "mlartifacts"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert artifact_root() is None


def test_a_child_is_shown_in_its_parent():
    parent = start("e", "all")
    child = start("e", "one", parent=parent)
    assert stored(child).data.tags["mlflow.parentRunId"] == parent.run_id
    assert child.experiment_id == parent.experiment_id


def test_a_run_ends_as_told_and_can_be_gone_on_with():
    run = start("e", "r")
    run.finish("KILLED")
    assert stored(run).info.status == "KILLED"
    again = find(run.run_id)
    assert again == run
    assert stored(run).info.status == "RUNNING"


def test_a_run_that_is_not_there_or_was_deleted_is_not_found():
    run = start("e", "r")
    client().delete_run(run.run_id)
    assert find(run.run_id) is None
    assert find("0" * 32) is None


def test_data_is_listed_with_its_digest():
    run = start("e", "r")
    run.data("synthetic:medium", "d" * 64)
    [given] = stored(run).inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == ("synthetic:medium", "d" * 36)


def test_a_deleted_experiment_says_how_to_restore_it():
    run = start("gone", "r")
    client().delete_experiment(run.experiment_id)
    with pytest.raises(ConfigError, match=rf"gone was deleted .*restore --experiment-id {run.experiment_id}"):
        start("gone", "r")


def test_an_mlflow_that_does_not_answer_is_one_line_without_its_password(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ConfigError, match=r"^MLflow http://127.0.0.1:9 does not answer ") as caught:
        start("e", "r")
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_files_behind_a_server_that_is_not_asked_are_refused_at_once():
    client().create_experiment("served", artifact_location="mlflow-artifacts:/1")
    with pytest.raises(ConfigError, match=r"files of served .* go through the server .*MLFLOW_TRACKING_URI"):
        start("served", "r")
