"""Workers share a step's slots, and together make what one alone makes."""

from threading import current_thread, main_thread
from threading import enumerate as threads_alive

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.training.batch import Crop
from graticule.training.feed import local_feed, slots_of
from graticule.training.plan import Pick, Plan
from training.tiny import crop

PLAN = Plan(items=(range(7),), shares=(1.0,), batch=4, steps=5, seed=2)


def small(pick: Pick) -> Crop:
    return crop(8, pick.index)


@settings(deadline=None)
@given(workers=st.integers(1, 4), turns=st.integers(1, 3), size=st.integers(1, 3))
def test_every_pick_is_made_by_one_worker(workers, turns, size):
    slots = workers * turns
    picks = [Pick(source=0, index=k, seed=0) for k in range(slots * size)]
    shared = [slots_of(picks, slots=slots, rank=rank, workers=workers) for rank in range(workers)]
    assert all(len(slot) == size for own in shared for slot in own)
    # the k-th slot of a step is the (k // workers)-th of worker k % workers
    in_order = [shared[slot % workers][slot // workers] for slot in range(slots)]
    assert [pick for slot in in_order for pick in slot] == picks


@pytest.mark.parametrize("done", [0, 2, 5])
def test_a_feed_leaves_out_what_is_done(done):
    feed = local_feed(PLAN, small, slots=2)
    whole, rest = list(feed(1, 0)), list(feed(1, done))
    assert len(whole) == 5
    for ours, theirs in zip(whole[done:], rest, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_two_workers_are_fed_what_one_is():
    alone = list(local_feed(PLAN, small, slots=2)(0, 0))
    shared = [list(local_feed(PLAN, small, slots=2, rank=rank, workers=2)(0, 0)) for rank in range(2)]
    for step, both in zip(alone, zip(*shared, strict=True), strict=True):
        for slot, (theirs,) in zip(step, both, strict=True):
            assert torch.equal(slot.images, theirs.images)


def test_what_goes_wrong_in_making_a_crop_is_told():
    def broken(pick: Pick) -> Crop:
        raise ValueError("no such crop")

    with pytest.raises(ValueError, match="no such crop"):
        next(iter(local_feed(PLAN, broken, slots=1)(0, 0)))


def test_crops_are_made_beside_the_training():
    threads = set()

    def noted(pick: Pick) -> Crop:
        threads.add(current_thread())
        return small(pick)

    list(local_feed(PLAN, noted, slots=1)(0, 0))
    assert len(threads) == 1
    assert main_thread() not in threads


def test_a_feed_that_is_left_early_ends_its_thread():
    before = set(threads_alive())
    feed = local_feed(PLAN, small, slots=1)(0, 0)
    next(feed)
    feed.close()
    assert not [thread for thread in set(threads_alive()) - before if "ThreadPool" in thread.name]
