import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from graticule.tracking.observation import frame_contacts, frame_instances, frame_overlaps

small_labels = arrays.arrays(np.uint32, (7, 9), elements=st.integers(0, 4))


@given(labels=small_labels)
def test_every_labelled_pixel_is_counted_once(labels):
    found = frame_instances(labels)
    assert found["area"].sum() == np.count_nonzero(labels)
    for label, y, x in zip(found["label"], found["y"], found["x"], strict=True):
        assert (y, x) == pytest.approx(np.argwhere(labels == label).mean(axis=0))


@given(a=small_labels, b=small_labels, dy=st.integers(-9, 9), dx=st.integers(-11, 11))
def test_overlap_counts_the_pixels_shared_after_the_step(a, b, dy, dx):
    found = frame_overlaps(a, b, step=np.array([dy + 0.3, dx - 0.3]))
    expected = {}
    for (y, x), label in np.ndenumerate(a):
        inside = 0 <= y + dy < 7 and 0 <= x + dx < 9
        if inside and label and b[y + dy, x + dx]:
            key = int(label), int(b[y + dy, x + dx])
            expected[key] = expected.get(key, 0) + 1
    pairs = zip(found["a"].tolist(), found["b"].tolist(), found["pixels"].tolist(), strict=True)
    assert {(i, j): n for i, j, n in pairs} == expected


@pytest.mark.parametrize(
    ("drawing", "length"),
    [("112|112|112", 3.0), ("111|222|000", 3.0), ("100|020|000", 1.0), ("122|112|111", 8**0.5)],
)
def test_contact_is_as_long_as_the_neck(drawing, length):
    labels = np.array([list(map(int, row)) for row in drawing.split("|")], np.uint32)
    found = frame_contacts(labels)
    assert (found["a"].tolist(), found["b"].tolist()) == ([1], [2])
    assert found["length"] == pytest.approx([length])


def test_background_between_two_outlines_is_no_contact():
    assert not len(frame_contacts(np.array([[1, 0, 2]], np.uint32))["a"])


def test_empty_frame_has_nothing():
    assert not len(frame_instances(np.zeros((4, 4), np.uint32))["label"])


def test_border_means_touching_an_edge():
    labels = np.array([[1, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0]], np.uint32)
    assert frame_instances(labels)["border"].tolist() == [True, False]
