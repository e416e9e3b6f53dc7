"""Neighbours never share an identity slot; what is far apart may."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.tracking.deaot.slots import coloured, neighbours


def scattered(count: int, seed: int, *, size: float = 300.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, size, (count, 2)), rng.uniform(2, 12, count)


def gaps(places: np.ndarray, radii: np.ndarray) -> np.ndarray:
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    return apart - radii[:, None] - radii[None] + np.diag(np.full(len(places), np.inf))


sights = st.tuples(st.integers(0, 60), st.integers(0, 99))
chances = st.none() | st.integers(0, 9)


@settings(deadline=None)
@given(sight=sights, slots=st.integers(1, 12), reach=st.floats(0, 60), chance=chances)
def test_neighbours_never_share_a_slot(sight, slots, reach, chance):
    places, radii = scattered(*sight)
    rng = None if chance is None else np.random.default_rng(chance)
    found = coloured(places, radii, slots=slots, reach=reach, rng=rng)
    assert found.min(initial=0) >= 0
    assert found.max(initial=0) <= slots
    same = (found[:, None] == found[None]) & (found > 0)
    assert not (same & (gaps(places, radii) < reach)).any()


@settings(deadline=None)
@given(sight=sights, slots=st.integers(1, 4))
def test_an_object_has_no_slot_only_where_its_neighbours_have_all(sight, slots):
    places, radii = scattered(*sight)
    found = coloured(places, radii, slots=slots, reach=30.0)
    near = gaps(places, radii) < 30.0
    for one in np.flatnonzero(found == 0):
        assert set(found[near[one]]) >= set(range(1, slots + 1))


@settings(deadline=None)
@given(sight=sights, chance=chances)
def test_what_has_a_slot_keeps_it(sight, chance):
    places, radii = scattered(*sight)
    first = coloured(places, radii, slots=10, reach=20.0)
    taken = np.where(np.arange(len(first)) % 2, first, 0)
    rng = None if chance is None else np.random.default_rng(chance)
    found = coloured(places, radii, slots=10, reach=20.0, taken=taken, rng=rng)
    assert (found[taken > 0] == taken[taken > 0]).all()


def test_the_same_objects_get_the_same_slots():
    given_ = scattered(200, 3)
    first, second = (coloured(*given_, slots=10, reach=25.0) for _ in range(2))
    assert (first == second).all()


def test_far_apart_objects_share_a_slot_and_a_few_slots_are_enough_for_hundreds():
    places, radii = scattered(400, 1, size=1025.0)
    found = coloured(places, radii, slots=10, reach=20.0)
    assert (found > 0).all()
    assert len(np.unique(found)) <= 10


def test_without_chance_an_object_gets_the_slot_whose_others_are_farthest():
    places = np.array([[0.0, 0.0], [0.0, 10.0], [0.0, 100.0]])
    taken = np.array([1, 2, 0])
    found = coloured(places, np.ones(3), slots=2, reach=1.0, taken=taken)
    assert found.tolist() == [1, 2, 1]


def test_a_slot_that_none_has_is_taken_before_one_that_is_shared():
    places = np.array([[0.0, 0.0], [0.0, 50.0], [0.0, 100.0]])
    assert len(set(coloured(places, np.ones(3), slots=3, reach=1.0).tolist())) == 3


@pytest.mark.parametrize("count", [0, 1])
def test_nobody_and_one_alone_have_no_neighbours(count):
    places, radii = scattered(count, 0)
    assert [len(others) for others in neighbours(places, radii, reach=50.0)] == [0] * count
    assert coloured(places, radii, slots=10, reach=50.0).tolist() == [1] * count


def test_neighbours_are_known_by_the_gap_between_outlines():
    places, radii = np.array([[0.0, 0.0], [0.0, 20.0], [0.0, 50.0]]), np.array([4.0, 6.0, 9.0])
    found = neighbours(places, radii, reach=10.5)
    assert [others.tolist() for others in found] == [[1], [0], []]
