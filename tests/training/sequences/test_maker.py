"""Clips of simulated movies and of stills, by pick."""

import pickle

import numpy as np
import pytest

from graticule.synthetic.presets import PRESETS
from graticule.training.plan import Pick
from graticule.training.recipe import Augmentation, Clips, TrackerRecipe
from graticule.training.sequences.cutting import clip_of
from graticule.training.sequences.footage import typical_diameter
from graticule.training.sequences.known import IGNORED
from graticule.training.sequences.maker import ClipMaker
from graticule.training.sequences.simulated import SPARE_FRAMES, simulated
from graticule.training.sources import open_source
from threads import one_thread  # noqa: F401
from training.drawn_clips import discs
from training.test_job import Square

AS_IT_IS = Augmentation(
    noise=0,
    grain=0,
    blurred=0,
    fringe=0,
    broken=0,
    gradient=0,
    margin=0,
    gamma=(1, 1),
    contrast=(1, 1),
)


def recipe(**changes) -> TrackerRecipe:
    usual = {"network": "deaot-t", "size": 65, "clips": {"frames": 3}}
    return TrackerRecipe.model_validate({**usual, **changes})


def pick(source: int = 0, index: int = 0, seed: int = 1) -> Pick:
    return Pick(source=source, index=index, seed=seed)


SOURCES = {"simulated": lambda: open_source("synthetic:varied"), "still": lambda: Square(128)}


@pytest.mark.parametrize("kind", SOURCES)
def test_a_clip_hangs_on_its_pick_alone(kind):
    source = SOURCES[kind]()
    one, other = ClipMaker([source], recipe()), ClipMaker([source], recipe())
    other(pick(seed=7))
    for ours, theirs in zip(vars_of(one(pick())), vars_of(other(pick())), strict=True):
        assert np.array_equal(ours, theirs)


def vars_of(clip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return clip.frames, clip.given, clip.target


@pytest.mark.parametrize("kind", SOURCES)
def test_a_clip_has_grey_levels_and_slots(kind):
    make = ClipMaker([SOURCES[kind]()], recipe())
    for seed in range(4):
        clip = make(pick(seed=seed))
        assert clip.frames.shape == clip.given.shape == clip.target.shape == (3, 65, 65)
        assert clip.frames.min() >= 0
        assert clip.frames.max() <= 1
        assert clip.given.max() <= 10
        assert set(np.unique(clip.target)) <= {*range(11), IGNORED}
        assert np.array_equal(clip.given[0], clip.target[0])


def test_one_movie_serves_several_clips_and_an_image_is_read_once():
    source = Square(128)
    make = ClipMaker([source], recipe())
    for seed in range(3):
        make(pick(seed=seed))
    assert source.read == [0]


def test_what_it_keeps_does_not_travel():
    make = ClipMaker([Square(512)], recipe())
    make(pick())
    assert len(pickle.dumps(make)) < 4000


@pytest.mark.parametrize("diameter", [14.0, 40.0])
@pytest.mark.parametrize("preset", ["easy", "hard"])
def test_simulated_particles_are_as_large_as_asked_for_where_magnifying_can_do_it(preset, diameter):
    clips = Clips(frames=2, stride=1, diameter=(diameter, diameter))
    made = [simulated(PRESETS[preset], clips, size=257, seed=seed) for seed in range(3)]
    found = np.mean([footage.zoom * typical_diameter(footage.ids[0]) for footage in made])
    assert found == pytest.approx(diameter, rel=0.25)
    assert [len(footage.frames) for footage in made] == [1 + SPARE_FRAMES] * 3


def test_identities_of_simulated_particles_last():
    footage = simulated(PRESETS["medium"], Clips(frames=3, stride=1), size=129, seed=2)
    first, last = (set(np.unique(ids).tolist()) - {0} for ids in (footage.ids[0], footage.ids[-1]))
    assert len(first & last) > 0.7 * len(first)


def test_frames_of_a_clip_are_evenly_apart_and_no_farther_than_asked_for():
    footage = discs([(30.0, 5.0)], steps=[(0.0, 3.0)], frames=13, size=65, radius=4.0)
    apart = set()
    for seed in range(40):
        made = recipe(size=49, clips={"frames": 3, "stride": 3}, augmentation=AS_IT_IS.model_dump())
        clip = clip_of(footage, made, slots=10, seed=seed)
        assert clip.frames.shape == (3, 49, 49)
        apart.add(frozenset(np.unique(clip.given[0])))
    assert len(apart) > 1  # the one disc has other slots in other clips


def test_the_frames_of_a_clip_are_taken_by_one_camera_and_the_noise_of_each_is_its_own():
    footage = discs([(30.0, 30.0)], frames=3)
    noisy = AS_IT_IS.model_copy(update={"noise": 1.0, "dose": (50.0, 50.0)})
    clips = {"frames": 3, "stride": 1, "diameter": (1.0, 1.0)}
    frames = clip_of(footage, recipe(clips=clips, augmentation=noisy.model_dump()), slots=10, seed=3).frames
    assert not np.array_equal(frames[0], frames[1])
    assert frames[0].std() == pytest.approx(frames[1].std(), rel=0.2)
