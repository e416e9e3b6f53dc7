import json
from pathlib import Path

import pytest

from graticule.core.errors import InputError
from graticule.experiments.server import client
from graticule.training.comparison.apart import here
from graticule.training.tracker_comparison import Asked, compare_in_mlflow, entrants_of
from graticule.training.tracker_comparison.movies import Making
from graticule.training.tracker_comparison.record import EXPERIMENT
from threads import one_thread  # noqa: F401

ASKED = Asked(data=("synthetic:easy",), making=Making(frames=8, size=96, seeds=(1, 2)))


@pytest.fixture(scope="module")
def done(tmp_path_factory, at_home):
    out = tmp_path_factory.mktemp("compared") / "out"
    return compare_in_mlflow(entrants_of(["trackpy"]), out, ASKED, execute=here)


def runs(recorded):
    experiment = client().get_experiment_by_name(EXPERIMENT).experiment_id
    ours = f"tags.`mlflow.parentRunId` = '{recorded.run.run_id}'"
    return {run.info.run_name: run for run in client().search_runs([experiment], filter_string=ours)}


def test_each_tracker_is_a_run_within_one(done):
    found = runs(done)
    assert set(found) == {"overlap", "trackpy"}
    metrics = found["trackpy"].data.metrics
    assert metrics["synthetic-easy/truth/idf1"] == 1.0
    assert metrics["synthetic-easy/truth/idf1_minus_baseline"] == 0.0
    assert metrics["synthetic-easy/truth/frames_per_s"] > 0


def test_a_trackers_run_holds_the_figures_of_every_movie(done):
    run = runs(done)["overlap"]
    path = client().download_artifacts(run.info.run_id, "movies.json")
    movies = json.loads(Path(path).read_text("utf-8"))
    assert [movie["movie"] for movie in movies] == ["easy, seed 1", "easy, seed 2"]
    assert movies[0]["figures"]["idf1"] == 1.0


def test_the_parent_holds_what_was_asked_for_and_the_files(done):
    run = client().get_run(done.run.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["making.size"] == "96"
    files = {entry.path for entry in client().list_artifacts(done.run.run_id)}
    assert {"index.html", "table.csv", "comparison.json", "environment.json"} <= files
    assert [entry.dataset.name for entry in run.inputs.dataset_inputs] == ["easy, seed 1", "easy, seed 2"]


def test_a_failure_is_a_failed_run(tmp_path, at_home):
    bad = Asked(data=ASKED.data, making=ASKED.making, segmentations=("vmamba=/nowhere/x.safetensors",))
    with pytest.raises(InputError):
        compare_in_mlflow(entrants_of(["overlap"]), tmp_path / "bad", bad, execute=here)
    experiment = client().get_experiment_by_name(EXPERIMENT).experiment_id
    (run,) = client().search_runs([experiment], filter_string="attributes.run_name = 'bad'")
    assert run.info.status == "FAILED"
