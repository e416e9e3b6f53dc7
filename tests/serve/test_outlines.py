"""Outlines give the same pixels again."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import points_in_poly

from serve.found import measured
from serve.outlines import polygons, run_lengths, run_lengths_in
from serve.problems import Problem

RING = np.array(
    [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 0, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]], np.uint32
)
images = arrays(np.uint32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3))


def filled(rings, shape) -> np.ndarray:
    """Fill rings by the even-odd rule, a ring at a time, by a library."""
    y, x = np.indices(shape)
    points = np.stack([y.ravel(), x.ravel()], axis=1)
    inside = np.zeros(len(points), bool)
    for ring in rings:
        inside ^= points_in_poly(points, ring)
    return inside.reshape(shape)


def from_runs(counts, shape) -> np.ndarray:
    """Return the mask that COCO's run lengths mean."""
    flat = np.repeat(np.arange(len(counts)) % 2, counts).astype(bool)
    return flat.reshape(shape, order="F")


@given(labels=images)
def test_filled_polygons_are_the_label_image(labels):
    rings = polygons(labels)
    assert len(rings) == labels.max()
    for label, own in enumerate(rings, start=1):
        assert np.array_equal(filled(own, labels.shape), labels == label)


@given(labels=images)
def test_run_lengths_are_the_label_image(labels):
    counts = run_lengths(labels)
    assert len(counts) == labels.max()
    for label, own in enumerate(counts, start=1):
        assert np.array_equal(from_runs(own, labels.shape), labels == label)
        assert 0 not in own[1:]


@given(labels=images, top=st.integers(0, 4), left=st.integers(0, 4))
def test_run_lengths_of_a_part_are_those_of_the_image(labels, top, left):
    mask = (labels == 1).astype(np.uint8)
    shape = mask.shape[0] + top, mask.shape[1] + left + 1
    whole = np.zeros(shape, bool)
    whole[top:, left:-1] = mask
    assert np.array_equal(from_runs(run_lengths_in(mask, (top, left), shape), shape), whole)


@given(labels=images)
def test_outlines_do_not_depend_on_the_bands_they_are_found_in(labels):
    whole = polygons(labels), run_lengths(labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("serve.outlines._BAND_PIXELS", 1)
        rings, counts = polygons(labels), run_lengths(labels)
    assert counts == whole[1]
    for own, same in zip(rings, whole[0], strict=True):
        assert np.array_equal(filled(own, labels.shape), filled(same, labels.shape))


@pytest.mark.parametrize("draw", [polygons, run_lengths])
def test_outlines_beyond_all_use_are_refused_with_a_remedy(draw):
    ragged = np.indices((32, 32)).sum(axis=0).astype(np.uint32) % 2
    with pytest.raises(Problem, match="outlines = none, or for image/tiff") as refused:
        draw(ragged, most=500)
    assert refused.value.status == 422


def test_stripes_over_the_whole_image_take_no_time():
    rows = np.arange(768, dtype=np.uint32)[:, None]
    stripes = np.where(rows % 2, rows // 2 + 1, 0) * np.ones((1, 768), np.uint32)
    began = time.perf_counter()
    assert [len(own[0]) for own in polygons(stripes)] == [4] * 384
    assert time.perf_counter() - began < 0.4


def test_a_square_has_four_corners():
    assert polygons(np.ones((3, 4), np.uint32))[0][0].shape == (4, 2)


def test_a_hole_is_a_ring_of_its_own():
    assert [len(ring) for ring in polygons(RING)[0]] == [4, 4]


def test_run_lengths_agree_with_pycocotools():
    coco = pytest.importorskip("pycocotools.mask")
    mask = RING.astype(bool)
    [counts] = run_lengths(RING)
    packed = coco.frPyObjects({"size": list(mask.shape), "counts": counts}, *mask.shape)
    assert np.array_equal(coco.decode(packed).astype(bool), mask)


def test_measures_are_those_of_the_pixels():
    [ring] = measured(RING)
    assert (ring.area, ring.centroid, ring.box, ring.touches_border) == (8, (2.0, 2.0), (1, 1, 4, 4), False)
    assert measured(np.ones((2, 2), np.uint32))[0].touches_border
