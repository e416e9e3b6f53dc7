from math import pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_examples import scattered
from graticule.training.augment.geometry import warped
from graticule.training.augment.placing import draw_placement
from graticule.training.recipe import Augmentation


def placed(seed, shape=(120, 160), size=64, zoom=1.0, **augmentation):
    labels = np.zeros(shape, np.int32)
    return draw_placement(labels, size, Augmentation(**augmentation), np.random.default_rng(seed), zoom=zoom)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), side=st.integers(8, 200), size=st.sampled_from([32, 33, 100]))
def test_a_crop_lies_within_its_image_or_the_image_within_the_crop(seed, side, size):
    placement = placed(seed, (side, 300), size, rotate=0, scale=(0.5, 2))
    reach = size / 2 / placement.scale
    for centre, length in zip(placement.centre, (side, 300), strict=True):
        low, high = centre - reach, centre + reach
        slack = 0.51 if placement.lattice else 1e-6
        assert (low >= -slack and high <= length + slack) or (low <= slack and high >= length - slack)


def test_scales_are_drawn_evenly_in_their_logarithm():
    scales = np.log([placed(k, untouched=0, scale=(0.25, 4)).scale for k in range(600)])
    assert abs(scales.mean()) < 0.12
    assert np.abs(scales).max() <= np.log(4)
    assert np.abs(scales).max() > 1.3


def test_scales_are_relative_to_the_magnification_at_which_a_segmenter_sees():
    for k in range(40):
        assert placed(k, zoom=1.6, untouched=0).scale == pytest.approx(1.6 * placed(k, untouched=0).scale)
        untouched = placed(k, zoom=1.6, untouched=1)
        assert untouched.scale == 1.6
        assert (untouched.angle / (pi / 2)).is_integer()


def test_without_rotation_turns_are_by_quarters():
    angles = {placed(k, untouched=0, rotate=0).angle / (pi / 2) for k in range(40)}
    assert angles == {0, 1, 2, 3}


def test_without_flips_nothing_is_mirrored():
    assert {placed(k).flip for k in range(40)} == {True, False}
    assert {placed(k, flip=False).flip for k in range(40)} == {False}


@pytest.mark.parametrize("size", [40, 41])
@pytest.mark.parametrize("shape", [(90, 120), (91, 121), (30, 35)])
def test_untouched_crops_hold_pixels_of_the_image_side_by_side(size, shape):
    grey = np.random.default_rng(0).random(shape, dtype=np.float32)
    labels = scattered(4, shape).labels
    for seed in range(10):
        crop = warped(
            grey, draw_placement(labels, size, Augmentation(untouched=1), np.random.default_rng(seed)), size
        )
        assert np.isin(crop, grey).all()
        first, beside = (np.argwhere(grey == crop[20, x])[0] for x in (20, 21))
        assert np.abs(first - beside).sum() <= 1
