import pytest

from graticule.core.errors import InputError
from graticule.experiments.champion import Champion, champion
from graticule.experiments.models import registered
from graticule.experiments.server import client
from graticule.training.comparison import Asked, compare_in_mlflow, entrants_of
from graticule.training.comparison.apart import here
from graticule.training.comparison.crown import crown
from graticule.training.comparison.record import EXPERIMENT
from graticule.training.comparison.recording import short
from graticule.training.sources import open_source
from threads import one_thread  # noqa: F401


def compared(out, data, models, **how):
    return compare_in_mlflow(
        [open_source(str(data))], entrants_of([models]), out, Asked(threads=1), execute=here, **how
    )


def runs_of(recorded):
    server = client()
    experiment = server.get_experiment_by_name(EXPERIMENT).experiment_id
    ours = f"tags.`mlflow.parentRunId` = '{recorded.run.run_id}'"
    return {run.info.run_name: run for run in server.search_runs([experiment], filter_string=ours)}


@pytest.fixture(scope="module")
def done(tmp_path_factory, at_home, parted, swin):
    out = tmp_path_factory.mktemp("compared") / "out"
    return compared(out, parted, f"swin-unet={swin},vmamba=/nowhere/x.safetensors", alias=True)


def test_each_entrant_is_a_run_within_one(done):
    runs = runs_of(done)
    assert set(runs) == {"threshold", "swin-unet (tiny)", "vmamba (x)"}
    assert runs["vmamba (x)"].info.status == "FAILED"
    assert "/nowhere/x.safetensors" in runs["vmamba (x)"].data.tags["trouble"]
    threshold = runs["threshold"].data.metrics
    assert threshold["iou"] == pytest.approx(done.compared.overall[0].means["iou"].value)
    assert threshold["images_per_s"] > 0


def test_the_parent_holds_rule_verdict_and_files(done):
    run = client().get_run(done.run.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["rule"].startswith("Champion:")
    assert run.data.tags["verdict"] == done.compared.verdict.text
    files = {entry.path for entry in client().list_artifacts(done.run.run_id)}
    assert {"index.html", "table.csv", "comparison.json", "figures"} <= files


def test_no_alias_is_set_where_the_threshold_wins(done):
    assert done.compared.verdict.name == "threshold"
    assert done.champion is None
    assert registered() == []


def test_a_winner_is_registered_once_and_takes_part_by_version_from_then_on(
    done, nothing_shipped, tmp_path, parted
):
    winner = done.compared.measured[1]
    first = crown(winner, done.run, scores={"iou": 0.5}, why="it won")
    assert crown(winner, done.run, scores={"iou": 0.5}, why="it won").version == first.version == 1
    assert champion() == Champion(network="swin-unet", weights="models:/graticule-segmenter/1")
    again = compared(tmp_path / "out", parted, "all", alias=True).compared.measured[1]
    assert again.entrant.name == "swin-unet (v1 @champion)"
    assert again.sha256 == winner.sha256
    assert crown(again, done.run, scores={}, why="again").version == 1


def test_a_failure_is_a_failed_run(tmp_path, parted):
    bad = Asked(threads=1, paper_logs=tmp_path)
    with pytest.raises(InputError):
        compare_in_mlflow(
            [open_source(str(parted))], entrants_of(["threshold"]), tmp_path / "bad", bad, alias=True
        )
    server = client()
    experiment = server.get_experiment_by_name(EXPERIMENT).experiment_id
    (run,) = server.search_runs([experiment], filter_string="attributes.run_name = 'bad'")
    assert run.info.status == "FAILED"


def test_a_data_set_is_named_by_the_end_of_its_path():
    assert short("/data/em4/test") == "em4-test"
    assert short("synthetic:medium") == "synthetic-medium"
