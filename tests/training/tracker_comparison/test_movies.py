import pickle
from pathlib import Path

import numpy as np
import pytest

from graticule.core.calibration import Calibration
from graticule.core.errors import ConfigError, ExperimentError, InputError, UnknownNameError
from graticule.storage.experiment import Experiment
from graticule.synthetic import simulate
from graticule.training.tracker_comparison.movies import Making, Segmented, TruthMovie, open_movies

SMALL = Making(frames=6, size=96, seeds=(3, 4))


def test_a_simulated_movie_is_one_for_each_seed_and_the_simulators_own(tmp_path):
    first, second = open_movies("synthetic:easy", SMALL, tmp_path)
    first.make()
    shown = list(simulate("easy", frames=6, size=96, seed=3))
    assert (first.data, second.data) == ("synthetic:easy",) * 2
    assert (first.images(2, 4) == np.stack([frame.image for frame in shown[2:4]])).all()
    assert (first.instances(0, 6) == np.stack([frame.labels for frame in shown])).all()
    assert first.digest() != second.digest()


def test_an_experiment_gives_what_it_was_simulated_as(truth, tmp_path):
    (movie,) = open_movies(truth, SMALL, tmp_path)
    (made,) = open_movies("synthetic:easy", Making(frames=12, size=128, seeds=(5,)), tmp_path)
    made.make()
    assert movie.shape == made.shape
    for name in ("images", "instances", "tracks"):
        assert (getattr(movie, name)(3, 9) == getattr(made, name)(3, 9)).all()
    assert movie.events() == made.events()


def same(a: TruthMovie, b: TruthMovie) -> bool:
    return bool((a.tracks(0, 6) == b.tracks(0, 6)).all()) and a.events() == b.events()


@pytest.mark.parametrize("kind", ["simulated", "experiment"])
def test_a_movie_pickles_small_and_reads_the_same_elsewhere(kind, truth, tmp_path):
    movie = open_movies("synthetic:easy" if kind == "simulated" else truth, SMALL, tmp_path)[0]
    if kind == "simulated":
        movie.make()
    packed = pickle.dumps(movie)
    assert len(packed) < 10_000
    assert same(movie, pickle.loads(packed))


def test_an_experiment_without_tracks_is_no_truth(tmp_path):
    place, unknown = str(tmp_path / "bare.ome.zarr"), Calibration()
    bare = Experiment.create(
        place, name="bare", shape=(2, 64, 64), dtype=np.dtype(np.uint8), calibration=unknown
    )
    with pytest.raises(InputError, match="no finished tracks"):
        open_movies(bare.root, SMALL, tmp_path)


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="preset 'nasty'"):
        open_movies("synthetic:nasty", SMALL, tmp_path)
    with pytest.raises(ExperimentError):
        open_movies(str(tmp_path / "nowhere.ome.zarr"), SMALL, tmp_path)
    with pytest.raises(ConfigError, match="each once"):
        Making(seeds=(1, 1))


def test_frames_are_copied_from_a_stack_that_is_closed_again(tmp_path):
    np.save(tmp_path / "labels.npy", np.ones((3, 64, 64), np.uint32))
    movie = Segmented(
        movie=open_movies("synthetic:easy", SMALL, tmp_path)[0],
        segmentation="threshold",
        labels=tmp_path / "labels.npy",
    )
    frames = movie.instances(0, 2)
    assert (frames.shape, frames.base) == ((2, 64, 64), None)
    assert str(movie.labels) not in Path("/proc/self/maps").read_text("utf-8")
