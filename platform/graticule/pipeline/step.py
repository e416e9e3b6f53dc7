"""One step of a stage: a plain function over many items, with a marker per finished item."""

import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from graticule.core.progress import Listener, Progress
from graticule.storage.run import Run

Result = dict[str, np.ndarray]
"""What an item leaves behind beside its pixels: small arrays by name."""


@runtime_checkable
class Item(Protocol):
    """One unit of work: a window, a run of frames, or all of a movie."""

    @property
    def key(self) -> str:
        """Name unique in its step, fit for a file name."""

    @property
    def frames(self) -> int:
        """Frames it covers, for progress."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Frames [start, stop), whole."""

    start: int
    stop: int

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.stop - self.start

    @property
    def key(self) -> str:
        """Name by first and last frame."""
        return f"t{self.start:07d}-{self.stop:07d}"


def spans(frames: int, *, length: int) -> list[Span]:
    """Cut ``frames`` frames into runs of ``length`` (the last may be shorter)."""
    return [Span(start=t, stop=min(t + length, frames)) for t in range(0, frames, length)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """``work`` over ``items``: idempotent, in any order, anywhere.

    ``run`` holds the markers: a marker is the item's result, written after its pixels.
    """

    name: str
    items: Sequence[Any]
    work: Callable[[Any], Result]
    run: Run
    keeps_state: bool = False
    """Whether ``work`` builds something dear (a model) that a worker should keep."""
    device: str = "cpu"
    """Where ``work`` computes: ``cpu``, ``cuda``, or ``auto``, CUDA where there is one."""
    memory_bytes: int = 0
    """Main memory that a worker needs for ``work``; 0 where it is little."""

    def mark_of(self, item: Item) -> str:
        """Return the name of the marker of ``item``."""
        return f"{self.name}.{item.key}"

    def unfinished(self) -> list[Any]:
        """Return the items without a marker, in order."""
        marked = self.run.marked()
        return [item for item in self.items if self.mark_of(item) not in marked]

    def warm(self) -> None:
        """Let ``work`` import what it needs, once in a process and before it is timed."""
        warm = getattr(self.work, "warm", None)
        if warm is not None:
            warm()

    def perform(self, item: Any) -> "Timing":
        """Do one item, then mark it."""
        began = time.time()
        self.run.mark(self.mark_of(item), self.work(item))
        worker = f"{socket.gethostname()}:{os.getpid()}"
        return Timing(step=self.name, worker=worker, frames=item.frames, began=began, ended=time.time())

    def results(self, items: Iterable[Any] | None = None) -> Iterator[Result]:
        """Yield the results of ``items`` (default: all), in order."""
        for item in self.items if items is None else items:
            yield self.run.result(self.mark_of(item))


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """When and where an item was done; seconds since the epoch."""

    step: str
    worker: str
    frames: int
    began: float
    ended: float


Executor = Callable[[Step, Listener], list[Timing]]
"""Performs the unfinished items of a step, tells the listener, returns when they were done."""


class Tally:
    """Counts the finished items of a step and tells a listener."""

    def __init__(self, step: Step, todo: Sequence[Any], listener: Listener) -> None:
        self.timings: list[Timing] = []
        self._name, self._listener = step.name, listener
        self._total = sum(item.frames for item in step.items)
        self._skipped = self._done = self._total - sum(item.frames for item in todo)
        self._tell()

    def add(self, timing: Timing) -> None:
        """Count one more item."""
        self.timings.append(timing)
        self._done += timing.frames
        self._tell()

    def _tell(self) -> None:
        self._listener(Progress(stage=self._name, done=self._done, total=self._total, skipped=self._skipped))
