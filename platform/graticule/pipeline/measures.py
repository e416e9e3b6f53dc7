"""What is counted of a step, for Prometheus."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ray

from graticule.pipeline.ledger import Measure, metering
from graticule.pipeline.step import Step, Timing

WINDOWS = Measure("counter", "graticule_windows", "Windows done: items of a step.")
FRAMES = Measure("counter", "graticule_frames", "Frames done; a tile is its share of a frame.")
BUSY = Measure("counter", "graticule_busy_seconds", "Time that workers spent on the windows done.")
ERRORS = Measure("counter", "graticule_errors", "Steps that ended with an error.")
WAITING = Measure("gauge", "graticule_windows_waiting", "Windows of a running step that are not done yet.")
MOVIES = Measure("counter", "graticule_movies", "Movies that were tracked to the end, or failed.")

Count = Callable[[Timing], None]


@contextmanager
def counted(step: Step, todo: Sequence[Any]) -> Iterator[Count]:
    """Yield what is to be told of every item done; an error that ends the block is counted.

    Args:
        step: With all its items.
        todo: Those that are to be done.
    """
    with metering() as meter:
        if not todo or not meter.on:
            yield lambda timing: None
            return
        name, share = step.name, frame_share(step.items)
        job = ray.get_runtime_context().get_job_id()
        left = len(todo)

        def count(timing: Timing) -> None:
            nonlocal left
            left -= 1
            meter.count(WINDOWS, step=name)
            meter.count(FRAMES, timing.frames * share, step=name)
            meter.count(BUSY, timing.ended - timing.began, step=name)
            meter.level(WAITING, float(left), step=name, job=job)

        meter.level(WAITING, float(left), step=name, job=job)
        try:
            yield count
        except Exception as error:
            meter.count(ERRORS, step=name, kind=type(error).__name__)
            raise


def count_movie(outcome: str) -> None:
    """Count a movie on the connected cluster: ``done`` or ``failed``."""
    with metering() as meter:
        meter.count(MOVIES, outcome=outcome)


def frame_share(items: Sequence[Any]) -> float:
    """Return what a frame of an item counts, so that all items together count each frame once."""
    frames: set[int] = set()
    for start, stop in {(item.start, item.stop) for item in items}:
        frames.update(range(start, stop))
    of_items: int = sum(item.frames for item in items)
    return len(frames) / of_items
