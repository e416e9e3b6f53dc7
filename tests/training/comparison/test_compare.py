import csv
import json
import shutil

import pytest

from graticule.core.errors import InputError, StorageError
from graticule.training.comparison import Asked, Rule, compare, entrants_of
from graticule.training.comparison.apart import here, one_by_one
from graticule.training.comparison.images import chosen, image_set
from graticule.training.comparison.measure import Work
from graticule.training.sources import open_source
from threads import one_thread  # noqa: F401

from .conftest import write_images

ASKED = Asked(threads=1, made=2)


def run(out, *folders, models="threshold", asked=ASKED, **how):
    sources = [open_source(str(folder)) for folder in folders]
    return compare(sources, entrants_of([models]), out, asked, execute=here, **how)


@pytest.fixture(scope="module")
def done(tmp_path_factory, parted, masks, swin):
    """A comparison on two data sets, one entrant of which has no weights."""
    out = tmp_path_factory.mktemp("compared") / "out"
    return run(out, parted, masks, models=f"swin-unet={swin},vmamba=/nowhere/x.safetensors")


def test_everyone_is_measured_on_every_image(done):
    assert [len(scores) for scores in done.measured[0].scores] == [3, 2]
    assert [len(scores) for scores in done.measured[1].scores] == [3, 2]


def test_the_rows_say_what_the_table_of_the_paper_says(done):
    threshold, swin, _ = done.comparison.datasets[0].rows
    assert (threshold.parameters, threshold.resolution_px) == (0, None)
    assert swin.resolution_px == 448
    assert swin.parameters > 1000
    assert swin.memory_bytes is not None
    assert swin.speed.images_per_s > 0
    assert set(threshold.means) == {"iou", "dice", "boundary_f1", "ap50", "pq", "count_error"}
    assert threshold.means["iou"].value > 0.8


def test_instances_are_left_out_where_touching_particles_are_not_parted(done):
    assert set(done.comparison.datasets[1].rows[0].means) == {"iou", "dice", "boundary_f1"}


def test_weights_that_cannot_be_loaded_cost_their_own_row_alone(done):
    broken = done.comparison.datasets[0].rows[2]
    assert "/nowhere/x.safetensors" in broken.trouble
    assert done.troubles == [f"{broken.name}: {broken.trouble}"]


def test_the_files_hold_the_same_figures(done):
    held = json.loads((done.out / "comparison.json").read_text())
    iou = done.comparison.datasets[0].rows[0].means["iou"].value
    assert held["datasets"][0]["rows"][0]["means"]["iou"]["value"] == iou
    lines = list(csv.DictReader((done.out / "table.csv").open()))
    assert float(lines[0]["iou"]) == iou
    assert [line["data"] for line in lines[-3:]] == ["all"] * 3


def test_masks_are_drawn_for_screen_and_print(done):
    names = {path.name for path in (done.out / "figures").iterdir()}
    assert {f"figure-5-masks-{n}.{kind}" for n in (1, 2) for kind in ("png", "svg")} <= names


def test_the_median_and_the_worst_image_are_shown(done):
    assert [panel.title.split("\n")[1] for panel in done.comparison.datasets[0].panels] == ["median", "worst"]


def test_a_process_of_its_own_gives_the_same_scores(parted):
    work = Work(entrant=entrants_of(["threshold"])[0], sets=(image_set(open_source(str(parted)), made=1),))
    (apart,), (inside,) = list(one_by_one([work])), list(here([work]))
    assert apart.trouble is None
    assert [s.metrics for s in apart.scores[0]] == [s.metrics for s in inside.scores[0]]


def test_images_of_different_sizes_are_fitted_one_by_one(tmp_path):
    for size in (96, 128):
        write_images(tmp_path / "mixed", count=1, size=size)
    images = image_set(open_source(str(tmp_path / "mixed")), made=1)
    assert not images.alike
    scores = Work(entrant=entrants_of(["threshold"])[0], sets=(images,))().scores[0]
    assert [score.pixels for score in scores] == [96**2, 128**2]


def test_of_an_endless_source_the_last_images_are_taken_which_training_does_not_reach():
    source = open_source("synthetic:easy")
    assert chosen(source, made=2) == (len(source) - 2, len(source) - 1)


def test_another_comparison_is_not_overwritten_unasked(tmp_path, masks):
    run(tmp_path / "out", masks)
    with pytest.raises(StorageError, match="--overwrite"):
        run(tmp_path / "out", masks)
    run(tmp_path / "out", masks, overwrite=True)


def test_other_things_are_never_overwritten(tmp_path, masks):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StorageError, match="other things"):
        run(tmp_path, masks, overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_nothing_is_left_where_a_comparison_fails(tmp_path, masks):
    with pytest.raises(InputError, match="paper-logs"):
        run(tmp_path / "out", masks, asked=Asked(threads=1, paper_logs=tmp_path))
    assert list(tmp_path.glob("*out*")) == []


def test_a_history_becomes_a_curve(tmp_path, swin, masks):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "weights.safetensors").write_bytes(swin.read_bytes())
    epochs = [{"epoch": n, "losses": {"loss": 1 / n}, "metrics": {"iou": 0.1 * n}} for n in (1, 2)]
    (folder / "history.json").write_text(json.dumps(epochs))
    done = run(tmp_path / "out", masks, models=str(folder))
    (curve,) = done.comparison.curves
    assert (list(curve.epochs), list(curve.series["loss"])) == ([1, 2], [1.0, 0.5])
    assert (tmp_path / "out" / "figures" / "figure-3-loss.svg").is_file()


def test_images_whose_labels_follow_a_threshold_have_no_say(tmp_path, parted, masks):
    theirs = shutil.copytree(masks, tmp_path / "em4" / "test")
    both = run(tmp_path / "both", parted, theirs)
    ours = both.comparison.datasets[0].rows[0].means["ap50"].value
    assert both.verdict.score == pytest.approx(ours)
    assert f"Without a say, since its labels follow a threshold: {theirs}" in both.comparison.rule
    assert run(tmp_path / "alone", theirs).verdict.name == "threshold"


def test_the_rule_is_told(tmp_path, masks):
    done = run(tmp_path / "out", masks, asked=Asked(threads=1, rule=Rule(least_images_per_s=0.001)))
    assert "at least 0.001 images/s" in (tmp_path / "out" / "index.html").read_text()
    assert done.verdict.name == "threshold"


@pytest.mark.shared_data
def test_the_papers_logs_give_its_curves(shared_data):
    from graticule.training.comparison.paper import paper_curves

    curves = {curve.name: curve for curve in paper_curves(shared_data / "em4" / "logs")}
    assert max(curves["EfficientSAM-tiny"].series["iou"]) > 0.99
    assert len(curves["YOLOv8n-seg"].epochs) >= 1000
    assert set(curves["YOLOv8n-seg"].series) == {"loss", "test loss"}
