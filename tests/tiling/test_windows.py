import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.core.errors import ConfigError
from graticule.tiling.windows import BAND, tile_windows

extent = st.integers(1, 40)


@given(
    height=extent, width=extent, size=st.integers(1, 50), margin=st.integers(0, 12), context=st.integers(0, 9)
)
def test_every_pixel_of_every_frame_is_written_exactly_once(height, width, size, margin, context):
    written = np.zeros((5, height, width), int)
    runs = [(0, 2), (2, 5)]
    for w in tile_windows((height, width), frames=runs, size=size, context=context, margin=margin):
        written[(slice(w.start, w.stop), *w.write)] += 1
    assert (written == 1).all()


@given(
    height=extent, width=extent, size=st.integers(1, 50), margin=st.integers(0, 12), context=st.integers(0, 9)
)
def test_boxes_are_nested_and_lose_only_what_the_frame_cuts(height, width, size, margin, context):
    for w in tile_windows((height, width), frames=(3, 4), size=size, context=context, margin=margin):
        for read, trusted, write, end in zip(w.read, w.trusted, w.write, (height, width), strict=True):
            assert trusted.start == max(write.start - margin - BAND - 1, 0)
            assert read.start == max(trusted.start - context, 0)
            assert trusted.stop == min(write.stop + margin + BAND + 1, end)
            assert read.stop == min(trusted.stop + context, end)


def test_a_frame_smaller_than_the_tile_is_one_window():
    (only,) = tile_windows((100, 80), frames=(0, 8), size=512, context=12, margin=64)
    assert only.read == only.trusted == only.write == (slice(0, 100), slice(0, 80))


def test_a_size_of_zero_is_refused():
    with pytest.raises(ConfigError, match="size=0"):
        list(tile_windows((8, 8), frames=(0, 1), size=0, context=0, margin=0))
