"""One movie, all stages, as a plain loop: results, resuming, replacing."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from graticule.core.errors import ConfigError, ExperimentError, InputError
from graticule.core.progress import Listener, ignore
from graticule.pipeline.in_process import run_in_process
from graticule.pipeline.settings import IngestSettings, SegmentSettings, TrackSettings
from graticule.pipeline.step import Step, Timing
from graticule.pipeline.track import Tracked, track_movie
from graticule.storage.experiment import Experiment
from movies import sintering_tiff
from trees import digests


class Interrupted(Exception):
    """The power went off."""


def interrupted_after(items: int):
    """An executor that dies after so many items."""
    left = [items]

    def execute(step: Step, listener: Listener) -> list[Timing]:
        for item in step.unfinished():
            if not left[0]:
                raise Interrupted
            left[0] -= 1
            step.perform(item)
        return []

    return execute


def track(source: Path, out: Path, settings: TrackSettings = TrackSettings(), **options) -> Tracked:
    options = {"execute": run_in_process, "listener": ignore, **options}
    return track_movie(str(source), str(out), settings, **options)


@pytest.fixture(autouse=True, scope="module")
def small_shards():
    """Shards of 8 frames, so that a small movie has several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("graticule.storage.codecs.MOST_SHARD_FRAMES", 8)
        yield


@pytest.fixture(scope="module")
def movie(tmp_path_factory) -> Path:
    return sintering_tiff(tmp_path_factory.mktemp("movie") / "sintering.tif", frames=40)


@pytest.fixture(scope="module")
def tracked(movie, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("tracked") / "sintering.ome.zarr"
    track(movie, out)
    return out


def test_a_movie_becomes_tables_that_agree_with_its_labels(tracked):
    experiment = Experiment.open(str(tracked))
    particles = experiment.read_table("particles").to_pylist()
    tracks = experiment.read_labels("tracks", 0, 40)
    assert len(particles) > 40
    for row in particles:
        pixels = tracks[row["frame"]] == row["track"]
        assert np.count_nonzero(pixels) == row["area_px"]
        assert np.argwhere(pixels).mean(axis=0) == pytest.approx((row["y_px"], row["x_px"]))


def test_the_scale_of_the_file_reaches_the_tables(tracked):
    particles = Experiment.open(str(tracked)).read_table("particles")
    ratio = particles["equivalent_diameter_nm"].to_numpy() / particles["equivalent_diameter_px"].to_numpy()
    assert ratio == pytest.approx(0.5)
    assert particles["time_s"].to_numpy() == pytest.approx(0.5 * particles["frame"].to_numpy())


def test_the_graph_has_a_node_for_every_particle(tracked):
    experiment = Experiment.open(str(tracked))
    nodes, edges = experiment.read_graph()
    assert len(nodes["particle"]) == experiment.read_table("particles").num_rows
    assert np.isin(edges, nodes["particle"]).all()


@pytest.mark.parametrize("items", [0, 1, 4, 6, 11, 12])
def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(movie, tracked, tmp_path, items):
    out = tmp_path / "again.ome.zarr"
    with pytest.raises(Interrupted):
        track(movie, out, execute=interrupted_after(items))
    assert track(movie, out).worked
    assert digests(out) == digests(tracked)


def test_what_a_killed_writer_left_is_swept_away(movie, tmp_path):
    out = tmp_path / "movie.ome.zarr"
    with pytest.raises(Interrupted):
        track(movie, out, execute=interrupted_after(4))
    scratch = out / "runs" / ".config.json.1a2b3c4d.tmp"
    scratch.write_bytes(b"half")
    track(movie, out)
    assert not list(out.rglob("*.tmp"))


def test_a_finished_experiment_is_left_alone(movie, tracked):
    before = digests(tracked)
    assert not track(movie, tracked).worked
    assert digests(tracked) == before


def test_another_configuration_is_refused_and_named(movie, tracked):
    other = TrackSettings(segment=SegmentSettings(tile=64))
    with pytest.raises(ExperimentError, match=r"tile was None, now 64.*--overwrite"):
        track(movie, tracked, other)


def test_a_configuration_that_failed_before_its_first_item_is_not_in_the_way(movie, tracked, tmp_path):
    out = tmp_path / "movie.ome.zarr"

    def without_gpu(step: Step, listener: Listener) -> list[Timing]:
        if step.name != "ingest":
            raise ConfigError("no GPU")
        return run_in_process(step, listener)

    with pytest.raises(ConfigError):
        track(movie, out, TrackSettings(segment=SegmentSettings(min_diameter_px=9.0)), execute=without_gpu)
    assert [run_id.partition("-")[0] for run_id in Experiment.open(str(out)).runs()] == ["ingest", "segment"]
    assert track(movie, out).worked
    assert digests(out) == digests(tracked)


def test_another_input_is_refused(tmp_path, tracked):
    other = sintering_tiff(tmp_path / "other.tif", frames=3)
    with pytest.raises(ExperimentError, match="another input"):
        track(other, tracked)


def test_overwrite_keeps_the_image_when_only_the_segmentation_changes(movie, tmp_path):
    out = tmp_path / "movie.ome.zarr"
    track(movie, out)
    image = {name: (out / name).stat().st_mtime_ns for name in digests(out, ("0",))}
    other = TrackSettings(segment=SegmentSettings(min_diameter_px=12.0))
    assert track(movie, out, other, overwrite=True).worked
    assert {name: (out / name).stat().st_mtime_ns for name in digests(out, ("0",))} == image


def test_tiles_do_not_change_the_result(movie, tracked, tmp_path):
    out = tmp_path / "tiled.ome.zarr"
    track(movie, out, TrackSettings(segment=SegmentSettings(tile=64)))
    parts = ("labels", "tables", "tracks.geff")
    assert digests(out, parts) == digests(tracked, parts)


def test_a_folder_that_is_no_experiment_is_refused(movie, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ExperimentError, match="no graticule experiment"):
        track(movie, tmp_path)
    track(movie, tmp_path, overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_frames_count_from_zero_in_the_source(movie, tmp_path):
    settings = TrackSettings(ingest=IngestSettings(frames="10:20"))
    experiment = track(movie, tmp_path / "part.ome.zarr", settings).experiment
    assert experiment.read_table("frames")["frame"].to_pylist() == list(range(10, 20))


def test_a_movie_without_one_usable_frame_is_an_error(tmp_path):
    blank = tmp_path / "blank.tif"
    tifffile.imwrite(blank, np.full((3, 64, 64), np.nan, np.float32), photometric="minisblack")
    with pytest.raises(InputError, match="no frame can be segmented"):
        track(blank, tmp_path / "blank.ome.zarr")


def test_a_frame_with_nan_is_empty_and_flagged(tmp_path):
    source = sintering_tiff(tmp_path / "movie.tif", frames=4)
    frames = tifffile.imread(source).astype(np.float32)
    frames[2, 5, 5] = np.nan
    tifffile.imwrite(source, frames, photometric="minisblack")
    experiment = track(source, tmp_path / "movie.ome.zarr").experiment
    table = experiment.read_table("frames").to_pylist()
    assert table[2]["particles"] == 0
    assert table[2]["flags"] == ["not finite"]
    assert [row["flags"] for row in table[:2]] == [[], []]
