import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from graticule.training.distance import centre_distance

maps = arrays(
    np.int32, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24), elements=st.integers(0, 4)
)


def by_definition(labels):
    """From each pixel to the nearest that is not of its instance, over all pairs."""
    distance = np.zeros(labels.shape, np.float32)
    for label in set(labels[labels > 0].tolist()):
        inside, outside = np.argwhere(labels == label), np.argwhere(labels != label)
        if len(outside) == 0:
            distance[:] = 1
            continue
        apart = np.hypot(*(inside[:, None] - outside).T).min(axis=0)
        distance[tuple(inside.T)] = apart / apart.max()
    return distance


@settings(max_examples=60, deadline=None)
@given(labels=maps)
def test_it_is_what_its_definition_says(labels):
    assert np.allclose(centre_distance(labels), by_definition(labels), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(labels=maps)
def test_every_instance_has_a_pixel_at_1_and_the_background_is_0(labels):
    distance = centre_distance(labels)
    assert (distance[labels == 0] == 0).all()
    for label in set(labels[labels > 0].tolist()):
        assert distance[labels == label].max() == 1


def test_there_is_a_valley_where_two_particles_touch():
    labels = np.zeros((11, 22), np.int32)
    labels[1:10, 2:11], labels[1:10, 11:20] = 1, 2
    across = centre_distance(labels)[5]
    assert across[6] == across[15] == 1
    assert across[10] == across[11] == np.float32(0.2)


def test_the_rim_of_the_image_is_no_outline():
    y, x = np.indices((41, 41))
    disc = (np.hypot(y - 20, x - 20) < 15).astype(np.int32)
    half = centre_distance(disc[:, 20:])
    assert half[20, 0] == 1
    assert np.array_equal(half, centre_distance(disc)[:, 20:])


def test_a_particle_that_fills_the_image_is_1_all_over():
    assert (centre_distance(np.ones((5, 7), np.int32)) == 1).all()


def test_labels_may_have_gaps():
    labels = np.array([[0, 3, 3, 3, 0]], np.int32)
    assert centre_distance(labels).tolist() == [[0, 0.5, 1, 0.5, 0]]


def test_only_distance_to_background_counts_where_nothing_touches():
    labels, _ = ndimage.label(np.random.default_rng(0).random((60, 60)) < 0.2)
    whole = ndimage.distance_transform_edt(labels > 0)
    tops = ndimage.maximum(whole, labels, np.arange(1, labels.max() + 1))
    apart = np.concatenate([[1.0], tops])[labels]
    assert np.allclose(centre_distance(labels.astype(np.int32)), whole / apart)
