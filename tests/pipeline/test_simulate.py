"""A simulated experiment: its labels, tables and graph are the truth."""

from pathlib import Path

import numpy as np
import pytest

from graticule.core.calibration import Calibration
from graticule.core.errors import ExperimentError, UnknownNameError
from graticule.core.progress import Progress, ignore
from graticule.pipeline.simulate import simulate_experiment
from graticule.storage.experiment import Experiment
from graticule.synthetic import simulate
from trees import digests

SCALE = Calibration(pixel_size_nm=0.25, frame_interval_s=0.5)


def simulated(out: Path, *, seed: int = 4, listener=ignore, **options) -> Experiment:
    how = {"preset": "easy", "frames": 10, "size": 160, "calibration": SCALE, **options}
    return simulate_experiment(str(out), seed=seed, listener=listener, **how)


@pytest.fixture(scope="module")
def truth(tmp_path_factory) -> Experiment:
    return simulated(tmp_path_factory.mktemp("truth") / "truth.ome.zarr")


def test_pixels_are_those_of_the_simulator(truth):
    frames = list(simulate("easy", frames=10, size=160, seed=4))
    np.testing.assert_array_equal(truth.read_image(0, 10), [frame.image for frame in frames])
    np.testing.assert_array_equal(truth.read_labels("instances", 0, 10), [frame.labels for frame in frames])


def test_every_row_describes_its_pixels(truth):
    tracks, instances = (truth.read_labels(kind, 0, 10) for kind in ("tracks", "instances"))
    rows = truth.read_table("particles").to_pylist()
    assert len(rows) == sum(len(np.unique(frame)) - 1 for frame in tracks)
    for row in rows:
        body = tracks[row["frame"]] == row["track"]
        assert np.count_nonzero(body) == row["area_px"]
        assert np.argwhere(body).mean(axis=0) == pytest.approx((row["y_px"], row["x_px"]))
        assert row["label"] in instances[row["frame"]][body]
        assert row["area_nm2"] == pytest.approx(row["area_px"] / 16)
        assert row["time_s"] == pytest.approx(row["frame"] / 2)


def test_tracks_span_the_frames_in_which_they_are_seen(truth):
    seen: dict[int, list[int]] = {}
    for row in truth.read_table("particles").to_pylist():
        seen.setdefault(row["track"], []).append(row["frame"])
    for track in truth.read_table("tracks").to_pylist():
        frames = seen.pop(track["track"])
        assert (track["first_frame"], track["last_frame"]) == (min(frames), max(frames))
        assert track["frames_seen"] == len(set(frames))
    assert not seen


def test_the_truth_is_sure_of_its_events(truth):
    assert all(event["confidence"] == 1.0 for event in truth.read_table("events").to_pylist())


def test_the_same_seed_gives_the_same_bytes(truth, tmp_path):
    assert digests(Path(simulated(tmp_path / "again.ome.zarr").root)) == digests(Path(truth.root))


def test_what_lies_there_is_kept_unless_overwrite(tmp_path):
    before = digests(Path(simulated(tmp_path / "e.ome.zarr", frames=3).root))
    with pytest.raises(ExperimentError, match=r"holds another experiment.*--overwrite"):
        simulated(tmp_path / "e.ome.zarr", frames=3, seed=9)
    assert digests(tmp_path / "e.ome.zarr") == before


def test_the_same_movie_is_left_alone(tmp_path):
    made = simulated(tmp_path / "e.ome.zarr", frames=3)
    written = (tmp_path / "e.ome.zarr" / "0" / "zarr.json").stat().st_mtime_ns
    assert simulated(tmp_path / "e.ome.zarr", frames=3).runs() == made.runs()
    assert (tmp_path / "e.ome.zarr" / "0" / "zarr.json").stat().st_mtime_ns == written


def test_overwrite_leaves_nothing_of_the_old(tmp_path):
    simulated(tmp_path / "old.ome.zarr", frames=6, size=260)
    replaced = simulated(tmp_path / "old.ome.zarr", frames=3, overwrite=True)
    fresh = simulated(tmp_path / "new.ome.zarr", frames=3)
    assert digests(Path(replaced.root)) == digests(Path(fresh.root))
    assert replaced.runs() == fresh.runs()


def test_an_unknown_preset_lists_the_known_and_writes_nothing(tmp_path):
    with pytest.raises(UnknownNameError, match="easy, hard, medium"):
        simulated(tmp_path / "e.ome.zarr", preset="impossible")
    assert not (tmp_path / "e.ome.zarr").exists()


def test_progress_ends_at_the_last_frame(tmp_path):
    told: list[Progress] = []
    simulated(tmp_path / "e.ome.zarr", frames=3, listener=told.append)
    assert (told[-1].done, told[-1].total) == (3, 3)
