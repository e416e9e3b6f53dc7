"""What a tracker can know of a clip, and what an imperfect segmenter tells it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.training.sequences.known import IGNORED, LEAST_AREA_PX, known
from training.drawn_clips import discs

ROW = [(12.0, 12.0), (12.0, 30.0), (40.0, 12.0), (40.0, 30.0), (40.0, 50.0)]


def told(ids: np.ndarray, *, slots: int = 10, seed: int = 0):
    return known(ids, slots=slots, rng=np.random.default_rng(seed))


def slots_by_object(ids: np.ndarray, slots: np.ndarray) -> dict[int, set[int]]:
    return {int(one): set(np.unique(slots[ids == one]).tolist()) for one in np.unique(ids) if one}


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 50))
def test_an_object_keeps_its_slot_in_all_frames(seed):
    ids = discs(ROW, steps=[(0.5, 1.0)] * 5, frames=4).ids
    found = slots_by_object(ids[1:], told(ids, seed=seed).target[1:])
    assert all(len(slots) == 1 for slots in found.values())
    assert not any(slots & {0, IGNORED} for slots in found.values())


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 50))
def test_neighbours_have_different_slots(seed):
    ids = discs([(30.0, 20.0), (30.0, 34.0)]).ids
    first, second = slots_by_object(ids[1], told(ids, seed=seed).target[1]).values()
    assert first != second


def test_what_appears_is_ignored_once_and_then_to_be_found():
    ids = discs(ROW, frames=3).ids
    ids[0][ids[0] == 5] = 0
    target = told(ids).target
    assert (target[1][ids[1] == 5] == IGNORED).all()
    assert not np.isin(target[2][ids[2] == 5], (0, IGNORED)).any()


def test_what_is_too_small_to_be_told_from_nothing_has_no_slot():
    ids = discs(ROW, frames=3).ids
    ids[ids == 5] = 0
    ids[:, 60, : LEAST_AREA_PX - 1] = 9
    assert (told(ids).target[1:][:, 60, : LEAST_AREA_PX - 1] == IGNORED).all()


def test_of_more_neighbours_than_slots_some_are_left_out_and_ignored():
    along = (10.0, 22.0, 34.0, 46.0)  # they touch
    target = told(discs([(y, x) for y in along for x in along]).ids, slots=1).target
    assert set(np.unique(target[0])) <= {0, 1}
    assert IGNORED in target[1]


def test_what_is_given_differs_from_the_truth_by_a_pixel_around_or_a_missed_object():
    ids = discs(ROW, frames=12).ids
    found = told(ids)
    wrong = (found.given[1:] != found.target[1:]).mean()
    assert 0 < wrong < 0.1
    missed = [(frame[ids[0] == one] == 0).all() for frame in found.given[1:] for one in range(1, 6)]
    assert any(missed)
    assert not all(missed)


def test_nothing_is_missed_in_the_first_frame_which_is_the_reference():
    for seed in range(30):
        ids = discs(ROW, frames=2).ids
        given_ = told(ids, seed=seed).given[0]
        assert all((given_[ids[0] == one] > 0).any() for one in range(1, 6))


@pytest.mark.parametrize("numbers", [(1, 2, 3, 4, 5), (70_001, 3, 900_000, 12, 5)])
def test_the_numbers_of_objects_mean_nothing(numbers):
    ids = discs(ROW).ids
    renamed = np.concatenate([[0], numbers]).astype(np.int32)[ids]
    assert set(np.unique(told(renamed).given)) <= set(range(11))
    assert len(slots_by_object(ids[1], told(renamed).target[1])) == 5


def test_a_clip_without_objects_is_all_background():
    found = told(np.zeros((3, 65, 65), np.int32))
    assert not found.given.any()
    assert not found.target.any()
