from itertools import pairwise

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.models.learned.fitting import context_px, fitting_view
from graticule.models.learned.views import GRID, blended, cover, cut, overlap_of
from graticule.models.learned.zoom import zoomed

lengths, edges = st.integers(1, 300), st.integers(16, 130)


@given(height=lengths, width=lengths, edge=edges)
def test_views_cover_every_pixel_and_stay_on_the_patch(height, width, edge):
    views = cover((height, width), edge=edge)
    covered = np.zeros((max(height, edge), max(width, edge)), int)
    for y, x in views.corners:
        covered[y : y + edge, x : x + edge] += 1
        assert y + edge <= covered.shape[0]
        assert x + edge <= covered.shape[1]
    assert (covered > 0).all()
    assert views.corners[0] == (0, 0)


@given(length=lengths, edge=edges)
def test_neighbouring_views_overlap_enough_and_lie_on_the_grid(length, edge):
    starts = [y for y, _ in cover((length, 1), edge=edge).corners]
    assert starts == sorted(set(starts))
    assert all(b - a <= edge - overlap_of(edge) for a, b in pairwise(starts))
    if edge - overlap_of(edge) >= GRID:
        assert all(start % GRID == 0 for start in starts[:-1])


@settings(deadline=None)
@given(height=lengths, width=lengths, edge=edges, seed=st.integers(0, 99))
def test_blending_the_views_themselves_gives_the_image(height, width, edge, seed):
    image = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    views = cover(image.shape, edge=edge)
    answers = (np.stack([view, -view]) for view in cut(image, views))
    whole = blended(answers, views)
    assert np.allclose(whole[0], image, atol=1e-5)
    assert np.allclose(whole[1], -image, atol=1e-5)


def test_the_seam_between_two_views_is_smooth():
    views = cover((64, 120), edge=64)
    sides = [np.full((1, 64, 64), float(k), np.float32) for k in range(len(views.corners))]
    row = blended(sides, views)[0, 32]
    assert row[0] == 0
    assert row[-1] == len(sides) - 1
    assert np.abs(np.diff(row)).max() < 0.35


@given(height=st.integers(1, 20), width=st.integers(1, 20))
def test_small_patches_are_continued_by_their_mirror_image(height, width):
    image = np.random.default_rng(0).normal(size=(height, width)).astype(np.float32)
    (view,) = cut(image, cover(image.shape, edge=64))
    assert view.shape == (64, 64)
    assert np.array_equal(view[:height, :width], image)
    assert np.array_equal(view[height : 2 * height, :width], image[::-1])


@given(margin=st.integers(0, 300), edge=st.integers(16, 1024), tile=st.integers(1, 40))
def test_windows_on_the_grid_read_from_the_grid(margin, edge, tile):
    context = context_px(view_px=edge, margin=margin)
    assert context >= overlap_of(edge)
    assert (GRID * tile - (margin + 8 + 1 + context)) % GRID == 0


def test_frames_hardly_larger_than_the_default_view_are_seen_whole():
    assert fitting_view((300, 200), 320) == 300
    assert fitting_view((200, 400), 320) == 400
    assert fitting_view((2048, 200), 320) == 320
    assert fitting_view((1, 3), 320) == 214


def test_zooming_in_and_out_keeps_a_smooth_image():
    ramp = torch.linspace(0, 1, 100).repeat(100, 1)[None, None]
    for edge in (64, 250):
        assert torch.allclose(zoomed(zoomed(ramp, edge), 100), ramp, atol=0.01)
    assert zoomed(ramp, 100) is ramp
