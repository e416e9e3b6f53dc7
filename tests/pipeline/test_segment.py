"""Image -> instances, window by window: what is joined, what is kept, what is said of frames."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from graticule import models
from graticule.core.errors import ConfigError, UnknownNameError
from graticule.core.progress import ignore
from graticule.pipeline.in_process import run_in_process
from graticule.pipeline.segment import SegmentStage, fitting_tile, frame_flags, segment_steps
from graticule.pipeline.settings import IngestSettings, SegmentSettings
from graticule.pipeline.single import ingest_movie, segment_experiment
from graticule.pipeline.step import Step
from graticule.storage.experiment import Experiment
from movies import sintering_tiff
from trees import digests

HOW = {"execute": run_in_process, "listener": ignore}
INSTANCES = ("labels/instances",)


@pytest.fixture(autouse=True, scope="module")
def small_shards():
    """Shards of 4 frames, so that a small movie has several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("graticule.storage.codecs.MOST_SHARD_FRAMES", 4)
        yield


@pytest.fixture(scope="module")
def movie(tmp_path_factory) -> Path:
    return sintering_tiff(tmp_path_factory.mktemp("movie") / "movie.tif", frames=10, size=160)


def segmented(movie: Path, out: Path, **settings) -> Experiment:
    root = ingest_movie(str(movie), str(out), IngestSettings(), **HOW).root
    return segment_experiment(root, SegmentSettings(**settings), **HOW)


def tiled_options(experiment: Experiment) -> dict[str, object]:
    (run_id,) = (name for name in experiment.runs() if name.startswith("segment-"))
    return experiment.run(run_id).summary["options"]


def steps_of(experiment: Experiment, *, tile: int | None) -> list[Step]:
    (run_id,) = (name for name in experiment.runs() if name.startswith("segment-"))
    run = experiment.run(run_id)
    return segment_steps(experiment, run, "threshold", run.summary["options"], tile)


@pytest.fixture(scope="module")
def whole(movie, tmp_path_factory) -> Experiment:
    return segmented(movie, tmp_path_factory.mktemp("whole") / "e.ome.zarr")


@pytest.fixture(scope="module")
def tiled(movie, tmp_path_factory) -> Experiment:
    return segmented(movie, tmp_path_factory.mktemp("tiled") / "e.ome.zarr", tile=64)


def test_a_frame_that_fits_in_a_tile_is_segmented_in_one_step(whole):
    assert [step.name for step in steps_of(whole, tile=None)] == ["segment"]


def test_a_larger_frame_is_measured_cut_into_windows_and_joined(tiled):
    measure, segment, join = steps_of(tiled, tile=64)
    assert [measure.name, segment.name, join.name] == ["measure", "segment", "join"]
    assert len(segment.items) == 9 * len(join.items)
    assert not measure.unfinished()
    assert not join.unfinished()


def test_workers_are_kept_for_a_segmenter_that_asks_for_it_only(tiled):
    threshold = models.create("threshold", **tiled_options(tiled))
    assert [step.keeps_state for step in steps_of(tiled, tile=64)] == [False, threshold.keeps_state, False]


def test_every_shard_has_one_writer(tiled):
    shard = tiled.shard_frames
    starts = [span.start for span in steps_of(tiled, tile=64)[2].items]
    assert starts == list(dict.fromkeys(starts))
    assert all(start % shard == 0 for start in starts)


def test_tiles_leave_no_trace_in_the_labels(whole, tiled):
    assert digests(Path(tiled.root), INSTANCES) == digests(Path(whole.root), INSTANCES)


def test_the_parts_of_windows_are_dropped_once_they_are_joined(tiled):
    marks = {key.partition(".")[0] for name in tiled.runs() for key in tiled.run(name).marked()}
    assert "join" in marks
    assert "segment" not in marks


def test_labels_of_a_frame_are_compact(whole):
    for labels in whole.read_labels("instances", 0, whole.shape[0]):
        present = np.unique(labels)
        np.testing.assert_array_equal(present, np.arange(len(present)))


def test_the_summary_counts_what_the_labels_hold(whole):
    (run_id,) = (name for name in whole.runs() if name.startswith("segment-"))
    summary = whole.run(run_id).summary
    labels = whole.read_labels("instances", 0, whole.shape[0])
    assert summary["instances"] == labels.max(axis=(1, 2)).sum()
    assert summary["empty frames"] == 0
    assert "auto" not in summary["options"].values()


@pytest.mark.parametrize("tile", [None, 64])
def test_flags_name_the_frames_they_are_of(movie, tmp_path, tile):
    frames = tifffile.imread(movie).astype(np.float32)
    frames[5, 3, 3], frames[9] = np.nan, 7.0
    odd = tmp_path / "odd.tif"
    tifffile.imwrite(odd, frames, photometric="minisblack")
    experiment = segmented(odd, tmp_path / "odd.ome.zarr", tile=tile)
    assert frame_flags(experiment) == {5: ["not finite"], 9: ["blank"]}
    labels = experiment.read_labels("instances", 0, 10)
    assert [t for t in range(10) if not labels[t].any()] == [5, 9]


def test_a_default_tile_outweighs_what_is_read_around_it():
    options = {"sigma_px": 2.0, "background_px": 90.0, "polarity": "dark", "min_diameter_px": 4.0}
    segmenter = models.create("threshold", **options, margin_px=100)
    assert fitting_tile(segmenter) >= 4 * (segmenter.context + segmenter.margin)
    assert fitting_tile(models.create("threshold", **{**options, "background_px": None}, margin_px=8)) == 512


def test_a_diameter_in_nm_is_taken_by_the_pixel_size(movie, tmp_path):
    experiment = segmented(movie, tmp_path / "e.ome.zarr", min_diameter_nm=6.0)
    (run_id,) = (name for name in experiment.runs() if name.startswith("segment-"))
    assert experiment.run(run_id).summary["options"]["min_diameter_px"] == pytest.approx(12.0)


@pytest.mark.parametrize("polarity", ["dark", "bright"])
def test_a_polarity_among_the_segmenters_options_is_not_found_out_from_the_movie(movie, tmp_path, polarity):
    experiment = segmented(movie, tmp_path / "e.ome.zarr", options={"polarity": polarity})
    (run_id,) = (name for name in experiment.runs() if name.startswith("segment-"))
    assert experiment.run(run_id).summary["options"]["polarity"] == polarity


def test_a_diameter_in_nm_needs_a_pixel_size(tmp_path):
    plain = tmp_path / "plain.tif"
    noise = np.random.default_rng(0).poisson(90, (2, 64, 64)).astype(np.uint8)
    tifffile.imwrite(plain, noise, photometric="minisblack")
    with pytest.raises(ConfigError, match=r"--min-diameter-nm 6.0 .*--pixel-size-nm"):
        segmented(plain, tmp_path / "e.ome.zarr", min_diameter_nm=6.0)


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"segmenter": "magic"}, UnknownNameError, "known: .*threshold"),
        ({"options": {"sigma": 2}}, ConfigError, "no option 'sigma'; known: .*sigma_px"),
        ({"options": {"sigma_px": -2}}, ConfigError, "sigma_px = -2"),
    ],
)
def test_a_segmenter_that_cannot_be_is_refused_before_anything_is_written(
    movie, tmp_path, settings, error, said
):
    with pytest.raises(error, match=said):
        segmented(movie, tmp_path / "e.ome.zarr", **settings)
    assert Experiment.open(str(tmp_path / "e.ome.zarr")).levels("instances") == 0


def test_what_came_before_is_part_of_a_stages_identity():
    settings = SegmentSettings()
    assert SegmentStage("one movie", settings).identity != SegmentStage("another", settings).identity


def test_the_summary_says_what_each_step_took(whole, tiled):
    for experiment, steps in ((whole, {"segment"}), (tiled, {"measure", "segment", "join"})):
        run_id = next(run_id for run_id in experiment.runs() if run_id.startswith("segment-"))
        took = experiment.run(run_id).summary["steps"]
        assert took.keys() == steps
        assert all(step["busy_seconds"] > 0 and step["workers"] == 1 for step in took.values())
        assert took["segment"]["frames"] >= experiment.shape[0]
