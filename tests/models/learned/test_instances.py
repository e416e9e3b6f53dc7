import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from graticule.models.learned.instances import instances, split_by_distance
from graticule.models.split import components


def drawn(*discs, shape=(80, 90)):
    """Discs (y, x, radius) as labels; where two overlap, the one in which a pixel lies deeper has it."""
    y, x = np.indices(shape)
    depth = np.stack([np.zeros(shape), *[1 - np.hypot(y - cy, x - cx) / r for cy, cx, r in discs]])
    return depth.argmax(axis=0)


def distance_of(labels):
    """The centre distance by its definition."""
    distance = np.zeros(labels.shape, np.float32)
    for label in range(1, labels.max() + 1):
        depth = ndimage.distance_transform_edt(np.pad(labels == label, 1))[1:-1, 1:-1]
        distance = np.where(labels == label, depth / depth.max(), distance).astype(np.float32)
    return distance


def logit_of(labels):
    return np.where(labels > 0, 4.0, -4.0).astype(np.float32)


def found(truth, distance=None, **options):
    return instances(logit_of(truth), distance, cut=None, **options)


DEEP = drawn((40, 35, 16), (40, 55, 12))  # overlapping so much that no neck is left


def test_the_centre_distance_parts_particles_that_have_no_neck():
    assert found(DEEP).max() == 1
    parted = found(DEEP, distance_of(DEEP))
    assert parted.max() == 2
    assert (np.where(DEEP > 0, parted, 0) == DEEP).mean() > 0.99


def test_without_a_distance_necks_part():
    truth = drawn((40, 25, 12), (40, 49, 13))
    assert found(truth).max() == 2
    assert found(truth, split=False).max() == 1


def test_a_bent_body_of_one_particle_stays_whole():
    y, x = np.indices((80, 90))
    peanut = ((np.hypot(y - 40, x - 35) < 14) | (np.hypot(y - 40, x - 53) < 14)).astype(int)
    assert found(peanut).max() == 2
    assert found(peanut, distance_of(peanut)).max() == 1


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    radius=st.floats(7, 14),
    noise=st.floats(0, 0.07),
    blur=st.floats(0, 1.0),
)
def test_noise_neither_parts_one_particle_nor_joins_two(seed, radius, noise, blur):
    rng = np.random.default_rng(seed)
    angle, centre = rng.uniform(0, np.pi), rng.uniform(38, 44, 2)
    step = 0.9 * radius * np.array([np.sin(angle), np.cos(angle)])
    for discs in ([(*centre, radius)], [(*(centre - step), radius), (*(centre + step), radius)]):
        truth = drawn(*discs)
        distance = ndimage.gaussian_filter(distance_of(truth), blur) + rng.normal(0, noise, truth.shape)
        assert found(truth, distance.clip(0, 1).astype(np.float32)).max() == len(discs)


def test_pure_noise_as_distance_loses_no_foreground():
    truth = drawn((20, 20, 9), (50, 60, 15))
    distance = np.random.default_rng(0).uniform(0, 1, truth.shape).astype(np.float32)
    assert np.array_equal(found(truth, distance) > 0, truth > 0)


def test_a_network_that_has_learnt_nothing_of_distance_leaves_components_alone():
    truth = drawn((20, 20, 9), (50, 60, 15))
    for flat in (0.0, 0.5, 1.0):
        assert found(truth, np.full(truth.shape, flat, np.float32)).max() == 2


@pytest.mark.parametrize("distance", [True, False])
def test_an_empty_answer_has_no_instances(distance):
    empty = np.zeros((7, 1), int)
    assert found(empty, np.zeros((7, 1), np.float32) if distance else None).max() == 0


def test_small_instances_are_dropped_unless_a_cut_edge_hides_the_rest():
    truth = drawn((10, 10, 3), (40, 0, 3), (60, 60, 12))
    cut = np.zeros(truth.shape, bool)
    cut[:, 0] = True
    assert found(truth, min_diameter_px=15.0).max() == 1
    assert instances(logit_of(truth), None, cut=cut, min_diameter_px=15.0).max() == 2


@pytest.mark.parametrize(("probability", "count"), [(0.2, 2), (0.5, 1), (0.9, 0)])
def test_foreground_is_what_is_likelier_than_asked(probability, count):
    logit = np.full((20, 20), -9.0, np.float32)
    logit[2:5, 2:5], logit[10:15, 10:15] = -1.0, 1.0
    assert instances(logit, None, cut=None, probability=probability).max() == count


def test_parting_is_decided_from_the_component_alone():
    distance = distance_of(DEEP)
    alone = split_by_distance(components(DEEP > 0), distance)
    y, x = np.indices(DEEP.shape)
    other = np.where(DEEP > 0, distance, np.random.default_rng(0).uniform(0, 1, DEEP.shape))
    crowd = (DEEP > 0) | (np.hypot(y - 8, x - 8) < 6)
    parted = split_by_distance(components(crowd), other.astype(np.float32))
    kept = np.where(DEEP > 0, parted, 0)
    pairs = np.unique(np.stack([alone.ravel(), kept.ravel()]), axis=1)
    assert pairs.shape[1] == 3  # background and two pieces, one to one
