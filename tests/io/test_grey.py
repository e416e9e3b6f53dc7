"""Colours to grey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graticule.core.errors import InputError
from graticule.io.grey import cmyk_to_grey, grey_type, native, to_grey

TYPES = st.sampled_from([np.uint8, np.uint16, np.uint32, np.int16, np.float32, np.float64])


@given(
    grey=TYPES.flatmap(
        lambda kind: hnp.arrays(
            kind, (3, 4), elements={"allow_nan": False} if np.dtype(kind).kind == "f" else None
        )
    ),
    channels=st.integers(1, 4),
)
def test_equal_channels_keep_their_value_exactly(grey, channels):
    pixels = np.repeat(grey[..., None], channels, -1)
    found = to_grey(pixels)
    assert found.dtype == grey.dtype
    np.testing.assert_array_equal(found, grey)


@given(pixels=hnp.arrays(np.uint8, (4, 5, 3)))
def test_colours_are_weighted_as_rec_601_says(pixels):
    expected = pixels @ [0.299, 0.587, 0.114]
    assert np.abs(to_grey(pixels) - expected).max() <= 0.51


def test_alpha_is_left_out():
    pixels = np.full((2, 2, 4), 9, np.uint8)
    pixels[..., 3] = [[0, 80], [160, 255]]
    assert (to_grey(pixels) == 9).all()


def test_ink_darkens():
    inks = np.array([[[255, 255, 255, 255], [255, 255, 255, 0], [128, 128, 128, 255]]], np.uint8)
    np.testing.assert_array_equal(cmyk_to_grey(inks), [[255, 0, 128]])


def test_types_that_are_no_intensities_are_refused():
    with pytest.raises(InputError, match=r"complex.*amplitude"):
        grey_type(np.dtype("c8"), where="a.tif")
    with pytest.raises(InputError, match="no intensities"):
        grey_type(np.dtype("U3"), where="a.tif")


def test_big_endian_becomes_native():
    found = native(np.arange(5, dtype=">u2"))
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, np.arange(5))
