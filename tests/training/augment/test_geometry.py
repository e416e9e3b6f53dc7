from math import pi

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from drawn_examples import discs
from graticule.training.augment.geometry import Placement, warped, warped_labels

GREY = np.random.default_rng(0).random((31, 47), dtype=np.float32)
BIG = discs((240, 300), (120, 100, 70), (110, 220, 45))


@settings(max_examples=50, deadline=None)
@given(
    scale=st.floats(0.3, 3.0),
    angle=st.floats(0, 2 * pi),
    flip=st.booleans(),
    y=st.floats(60, 180),
    x=st.floats(60, 240),
)
def test_labels_lie_where_the_image_does_at_any_scale_and_angle(scale, angle, flip, y, x):
    placement = Placement(centre=(y, x), scale=scale, angle=angle, flip=flip)
    seen = warped((BIG > 0).astype(np.float32), placement, 150) > 0.5
    labelled = warped_labels(BIG, placement, 150) > 0
    assume(labelled.sum() > 1500)
    assert (seen & labelled).sum() / (seen | labelled).sum() > 0.98


@pytest.mark.parametrize("size", [48, 49])
@pytest.mark.parametrize("flip", [False, True])
def test_a_point_is_drawn_at_its_place_and_not_half_a_pixel_aside(size, flip):
    y, x = np.indices((200, 200), np.float32) + np.float32(0.5)
    placement = Placement(centre=(90.3, 101.6), scale=1.7, angle=0.4, flip=flip)
    rows, columns = placement.points(size)
    assert np.allclose(warped(y, placement, size), rows, atol=1e-2)
    assert np.allclose(warped(x, placement, size), columns, atol=1e-2)
    assert np.abs(warped_labels(y.astype(np.int32), placement, size) + 0.5 - rows).max() <= 0.501


def test_above_1_the_scale_magnifies_and_the_centre_stays():
    disc = discs((101, 101), (50.5, 50.5, 10))
    large = warped_labels(disc, Placement(centre=(50.5, 50.5), scale=1.9), 101)
    assert large.sum() == pytest.approx(1.9**2 * disc.sum(), rel=0.06)
    assert np.argwhere(large).mean(axis=0) == pytest.approx([50, 50], abs=0.3)


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("flip", [False, True])
def test_turns_by_quarters_change_the_place_of_pixels_and_nothing_else(quarters, flip):
    square = np.ascontiguousarray(GREY[:, :31])
    placement = Placement(centre=(15.5, 15.5), angle=quarters * pi / 2, flip=flip)
    turned = np.rot90(square, -quarters)
    crop = warped(square, placement, 31)
    assert np.array_equal(crop, np.fliplr(turned) if flip else turned)


def test_beyond_the_border_lies_the_mirror_image_however_far():
    centre = (31 / 2 + 31, 47 / 2 - 2 * 47)
    mirrored = warped(GREY, Placement(centre=centre), 31)
    assert np.array_equal(mirrored, GREY[::-1, 8:39])
    bilinear = warped(GREY, Placement(centre=centre, scale=1 + 1e-9), 31)
    assert np.allclose(bilinear, mirrored, atol=1e-3)


def test_noise_shrinks_with_the_image_and_is_not_aliased():
    noise = np.random.default_rng(0).standard_normal((400, 400), dtype=np.float32)
    halves = warped(noise, Placement(centre=(200.0, 200.0), scale=0.5), 200)
    thirds = warped(noise, Placement(centre=(200.0, 200.0), scale=1 / 3), 130)
    assert halves.std() < 0.55
    assert thirds.std() < 0.4
