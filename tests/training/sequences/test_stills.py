"""Objects cut out of a still move over what is left of it."""

import numpy as np
import pytest

from graticule.training.examples import Example
from graticule.training.recipe import Clips
from graticule.training.sequences.cutouts import cut_out, without
from graticule.training.sequences.footage import typical_diameter
from graticule.training.sequences.stills import SPARE_PX, set_in_motion
from threads import one_thread  # noqa: F401
from training.drawn_clips import discs

PLACES = [(20.0, 20.0), (20.0, 45.0), (45.0, 30.0)]


def still(size: int = 65) -> Example:
    footage = discs(PLACES, size=size, frames=1)
    noise = np.random.default_rng(0).normal(0, 0.01, (size, size)).astype(np.float32)
    return Example(image=footage.frames[0] + noise, labels=footage.ids[0], parted=True)


def test_what_is_left_without_the_objects_is_what_is_around_them():
    example = still()
    ground = without(example.image, example.labels, diameter=12.0, rng=np.random.default_rng(0))
    assert ground[example.labels > 0] == pytest.approx(0.75, abs=0.06)
    untouched = np.hypot(*np.mgrid[:65, :65]) < 8  # far from all
    assert np.array_equal(ground[untouched], example.image[untouched])


def test_where_all_is_object_the_ground_is_bright():
    grey = np.full((32, 32), 0.3, np.float32)
    ground = without(grey, np.ones((32, 32), np.int32), diameter=10.0, rng=np.random.default_rng(0))
    assert (ground == np.float32(0.3)).all()


def test_objects_pasted_where_they_were_give_the_image_again():
    example = still()
    cutouts = cut_out(example.image, example.labels)
    picture = without(example.image, example.labels, diameter=12.0, rng=np.random.default_rng(0))
    truth = np.zeros_like(example.labels)
    for cutout in cutouts:
        cutout.paste(picture, truth, (0, 0))
    assert np.array_equal(truth, example.labels)
    np.testing.assert_allclose(picture[truth > 0], example.image[truth > 0], atol=1e-6)


@pytest.mark.parametrize("moved", [(-40, 0), (60, 60), (200, -200)])
def test_what_moves_out_of_the_picture_is_cut_off(moved):
    example = still()
    truth, picture = np.zeros_like(example.labels), example.image.copy()
    cut_out(example.image, example.labels)[0].paste(picture, truth, moved)
    assert np.count_nonzero(truth) < np.count_nonzero(example.labels == 1)


def test_an_object_on_top_of_another_covers_it():
    first, second, _ = cut_out(still().image, still().labels)
    truth, picture = np.zeros_like(still().labels), still().image.copy()
    first.paste(picture, truth, (0, 0))
    assert second.covers(truth, (0, 0)) == 0
    assert second.covers(truth, (0, -25)) == 1


def test_footage_is_the_same_for_the_same_seed_and_moves():
    clips = Clips(frames=4, diameter=(14, 14))
    one, same, other = (set_in_motion(still(), clips, size=65, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.frames, same.frames)
    assert np.array_equal(one.ids, same.ids)
    assert not np.array_equal(one.frames, other.frames)
    assert one.frames.shape == (4, 65 + 2 * SPARE_PX, 65 + 2 * SPARE_PX)
    assert any(not np.array_equal(one.ids[0], ids) for ids in one.ids[1:])


@pytest.mark.parametrize("diameter", [14.0, 40.0])
def test_objects_are_as_large_as_asked_for(diameter):
    clips = Clips(frames=2, diameter=(diameter, diameter))
    footage = set_in_motion(still(), clips, size=129, seed=3)
    assert typical_diameter(footage.ids[0]) == pytest.approx(diameter, rel=0.2)


def test_an_image_without_objects_gives_footage_without_any():
    blank = Example(
        image=np.full((40, 50), 0.5, np.float32), labels=np.zeros((40, 50), np.int32), parted=True
    )
    footage = set_in_motion(blank, Clips(frames=2), size=65, seed=0)
    assert not footage.ids.any()
    assert footage.frames == pytest.approx(0.5, abs=0.01)


def test_grey_levels_stay_between_0_and_1_where_noise_would_leave_them():
    example = still()
    rough = np.random.default_rng(1).uniform(0, 1, example.image.shape).astype(np.float32)
    harsh = Example(
        image=np.where(example.labels > 0, 1.0, 0.2 * rough).astype(np.float32),
        labels=example.labels,
        parted=True,
    )
    for seed in range(5):
        frames = set_in_motion(harsh, Clips(frames=2), size=65, seed=seed).frames
        assert frames.min() >= 0
        assert frames.max() <= 1
