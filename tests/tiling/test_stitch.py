import io
import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from graticule.tiling.part import Part, part_of
from graticule.tiling.stitch import numbered_in_raster_order, stitch
from graticule.tiling.windows import tile_windows

EIGHT = np.ones((3, 3))


def components(mask):
    return np.stack([ndimage.label(frame, EIGHT)[0] for frame in mask]).astype(np.uint32)


def parts_of_mask(mask, *, size, margin):
    windows = tile_windows(mask.shape[1:], frames=(0, len(mask)), size=size, context=0, margin=margin)
    return [part_of(w, components(mask[(slice(None), *w.trusted)])) for w in windows]


def parts_of_labels(labels, *, size, margin=2):
    windows = tile_windows(labels.shape[1:], frames=(0, len(labels)), size=size, context=0, margin=margin)
    return [part_of(w, labels[(slice(None), *w.trusted)]) for w in windows]


def spiral(n):
    """One line that winds inwards, with gaps of one pixel."""
    mask = np.zeros((n, n), bool)
    y, x, dy, dx = 0, 0, 0, 1
    mask[0, 0] = True
    for length in [n - 1, *(v for k in range(n - 1, 1, -2) for v in (k, k))][: 2 * n]:
        for _ in range(length):
            if not (0 <= y + dy < n and 0 <= x + dx < n):
                break
            y, x = y + dy, x + dx
            mask[y, x] = True
        dy, dx = dx, -dy
    return mask


masks = st.builds(
    lambda t, h, w, density, seed: np.random.default_rng(seed).random((t, h, w)) < density,
    st.integers(1, 2), st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.integers(0, 2**32 - 1),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(mask=masks, size=st.integers(4, 30), margin=st.integers(0, 6))
@example(mask=spiral(30)[None], size=7, margin=0)
@example(mask=(np.indices((40, 40)).sum(0) % 2 == 0)[None], size=8, margin=0)
@example(mask=np.eye(12, dtype=bool)[None, ::-1], size=1, margin=0)
def test_components_of_any_shape_are_the_same_tiled_and_untiled(mask, size, margin):
    tiled = stitch(parts_of_mask(mask, size=size, margin=margin), mask.shape[1:])
    assert np.array_equal(tiled, numbered_in_raster_order(components(mask)))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(5, 50), cells=st.integers(1, 30))
def test_touching_instances_stay_apart_where_windows_agree(seed, size, cells):
    rng = np.random.default_rng(seed)
    seeds = rng.integers(0, 60, (cells, 2))
    grid = np.stack(np.indices((60, 60)), -1)
    labels = np.argmin(((grid[:, :, None] - seeds) ** 2).sum(-1), -1).astype(np.uint32)[None] + 1
    tiled = stitch(parts_of_labels(labels, size=size), (60, 60))
    assert np.array_equal(tiled, numbered_in_raster_order(labels))


@given(seed=st.integers(0, 2**16), size=st.integers(5, 20))
@settings(deadline=None, max_examples=25)
def test_the_order_of_the_parts_does_not_matter(seed, size):
    mask = np.random.default_rng(seed).random((2, 40, 40)) < 0.4
    parts = parts_of_mask(mask, size=size, margin=1)
    shuffled = random.Random(seed).sample(parts, len(parts))
    assert np.array_equal(stitch(parts, (40, 40)), stitch(shuffled, (40, 40)))


@pytest.mark.parametrize("shift", [-2, -1, 1, 2])
def test_windows_that_disagree_by_pixels_do_not_weld_touching_particles(shift):
    labels = np.zeros((1, 40, 40), np.uint32)
    labels[0, 8:32, 8:20], labels[0, 8:32, 20:32] = 1, 2
    other = np.zeros_like(labels)
    other[0, 8:32, 8 : 20 + shift], other[0, 8:32, 20 + shift : 32] = 1, 2
    windows = list(tile_windows((40, 40), frames=(0, 1), size=20, context=0, margin=2))
    views = [labels, other, other, labels]
    parts = [part_of(w, v[(slice(None), *w.trusted)]) for w, v in zip(windows, views, strict=True)]
    assert stitch(parts, (40, 40)).max() == 2


def test_ids_count_in_raster_order_of_the_first_pixel():
    labels = np.array([[[0, 9, 0], [4, 9, 0], [4, 0, 7]]], np.uint32)
    assert numbered_in_raster_order(labels).tolist() == [[[0, 1, 0], [2, 1, 0], [2, 0, 3]]]


def test_a_part_survives_its_file():
    part = parts_of_mask(np.eye(50, dtype=bool)[None], size=20, margin=3)[1]
    file = io.BytesIO()
    np.savez_compressed(file, **part.to_arrays())
    file.seek(0)
    again = Part.from_arrays(dict(np.load(file)))
    assert (again.start, again.stop, again.write, again.outer) == (0, 1, part.write, part.outer)
    assert np.array_equal(again.labels, part.labels)
    assert again.labels.dtype == np.uint32


def test_a_part_holds_its_write_box_and_a_band_around_it():
    mask = np.zeros((1, 60, 60), bool)
    mask[0, 2, 2] = mask[0, 5, 24] = mask[0, 5, 29] = True
    first = parts_of_mask(mask, size=20, margin=12)[0]
    assert first.labels.shape == (1, 28, 28)
    assert np.unique(first.labels).tolist() == [0, 1, 2]
    assert np.unique(first.own).tolist() == [0, 1]


def test_a_missing_window_is_refused():
    parts = parts_of_mask(np.ones((1, 40, 40), bool), size=20, margin=3)
    with pytest.raises(ValueError, match="exactly once"):
        stitch(parts[1:], (40, 40))
