import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.models.yolo.framing import Framing, context_px, framed
from graticule.tiling import BAND, tile_windows

edge = st.integers(1, 200)


@given(edge, edge, st.sampled_from([1.0, 0.5, 3.2]))
def test_every_patch_becomes_an_image_of_whole_cells(height, width, zoom):
    framing = Framing.of((height, width), zoom=zoom)
    image = framed(np.zeros((height, width), np.float32), framing)
    assert tuple(image.shape[1:]) == framing.padded
    assert all(
        now % 32 == 0 and now >= scaled for now, scaled in zip(image.shape[1:], framing.scaled, strict=True)
    )


@given(st.integers(0, 300))
def test_what_is_read_around_a_window_is_a_multiple_of_the_coarsest_cell(margin):
    context = context_px(margin=margin)
    assert context >= 32
    assert (margin + BAND + 1 + context) % 32 == 0


@pytest.mark.parametrize("margin", [0, 64, 91])
def test_windows_lie_on_the_grid_of_the_frame(margin):
    windows = tile_windows(
        (700, 900), frames=(0, 1), size=256, context=context_px(margin=margin), margin=margin
    )
    assert all(side.start % 32 == 0 for window in windows for side in window.read)


def test_a_patch_stays_where_it_is_and_goes_on_as_its_mirror_image():
    image = np.random.default_rng(0).random((40, 64), dtype=np.float32)
    whole = framed(image, Framing.of(image.shape, zoom=1.0))[0].numpy()
    assert np.array_equal(whole[:40], image)
    assert np.array_equal(whole[40:], image[:15:-1])
