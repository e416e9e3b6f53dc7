"""Time without start-up, from when each item began and ended."""

from collections.abc import Sequence

from graticule.pipeline.step import Timing


def steady_rate(timings: Sequence[Timing]) -> float:
    """Return frames per second from the moment when the last worker began its first item.

    An item under way at that moment counts with the part of it that comes after.
    """
    first = {timing.worker: timing.began for timing in sorted(timings, key=lambda t: -t.began)}
    start = max(first.values())
    end = max(timing.ended for timing in timings)
    return sum(_share(timing, start) for timing in timings) / (end - start)


def _share(timing: Timing, start: float) -> float:
    return timing.frames * min(1.0, max(0.0, timing.ended - start) / (timing.ended - timing.began))


def start_up(submitted: float, timings: Sequence[Timing]) -> float:
    """Return the seconds from ``submitted`` until the last worker began."""
    first = {timing.worker: timing.began for timing in sorted(timings, key=lambda t: -t.began)}
    return max(first.values()) - submitted
