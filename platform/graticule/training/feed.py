"""From picks to batches: which worker makes which slot, and making them one step ahead."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from graticule.training.batch import AnyBatch, gathered
from graticule.training.loop import Feed
from graticule.training.plan import Pick, Plan

CropOf = Callable[[Pick], Any]
"""Makes what a pick says: a crop for a segmenter, a clip for a tracker."""


def slots_of(picks: Sequence[Pick], *, slots: int, rank: int, workers: int) -> list[Sequence[Pick]]:
    """Return the slots of a step that a worker makes: every ``workers``-th one."""
    size = len(picks) // slots
    return [picks[slot * size : (slot + 1) * size] for slot in range(rank, slots, workers)]


def local_feed(plan: Plan, crop_of: CropOf, *, slots: int, rank: int = 0, workers: int = 1) -> Feed:
    """Return a feed that makes its crops in this process, one step ahead in a thread.

    Args:
        plan: Which examples each step sees.
        crop_of: Makes a crop; called in one thread.
        slots: Of a step.
        rank: This worker's number, from 0.
        workers: How many there are.
    """

    def made(picks: Sequence[Pick]) -> list[AnyBatch]:
        return [
            gathered([crop_of(pick) for pick in slot])
            for slot in slots_of(picks, slots=slots, rank=rank, workers=workers)
        ]

    def feed(epoch: int, done: int) -> Iterator[list[AnyBatch]]:
        with ThreadPoolExecutor(1) as ahead:
            waiting = None
            for picks in plan.epoch(epoch)[done:]:
                coming = ahead.submit(made, picks)
                if waiting is not None:
                    yield waiting.result()
                waiting = coming
            if waiting is not None:
                yield waiting.result()

    return feed
