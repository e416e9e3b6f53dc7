"""Entrants one after the other, each in a process of its own, so that rows do not disturb each other."""

import logging
import signal
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

import torch

from graticule.core.errors import GraticuleError

log = logging.getLogger(__name__)
R = TypeVar("R")


class Task(ABC, Generic[R]):
    """What one entrant has to do; pickles small, and is done where it is called."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Whose work it is."""

    def __call__(self) -> R:
        """Do it; what goes wrong is told in the result, by its first line."""
        try:
            return self.work()
        except (GraticuleError, OSError, MemoryError, torch.OutOfMemoryError) as error:
            said = str(error).strip().splitlines() or [type(error).__name__]
            return self.failed(said[0])

    @abstractmethod
    def work(self) -> R:
        """Do it, or raise what went wrong."""

    @abstractmethod
    def failed(self, trouble: str) -> R:
        """Return what stands for a result that never came."""


def one_by_one(tasks: Sequence[Task[R]]) -> Iterator[R]:
    """Yield what each task came to; a process that dies costs its own row alone."""
    return map(_apart, tasks)


def here(tasks: Sequence[Task[R]]) -> Iterator[R]:
    """Yield what each task comes to in this process; memory then counts what was there before."""
    return (task() for task in tasks)


def _apart(task: Task[R]) -> R:
    context = get_context("spawn")
    answer, said = context.Pipe(duplex=False)
    process = context.Process(target=_answered, args=(task, said), daemon=True)
    process.start()
    said.close()
    try:
        result: R = answer.recv()
    except EOFError:
        process.join()
        result = task.failed(_lost(process.exitcode))
    finally:
        process.kill()
        process.join()
        answer.close()
    return result


def _answered(task: Task[R], said: Connection) -> None:
    # Ctrl-C on a terminal reaches all processes; the one that waits ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        result = task()
    except Exception as error:  # hours of the others must not be lost by a mistake in one
        log.exception("error: %s", task.name)
        result = task.failed(f"{type(error).__name__}: {error}")
    said.send(result)


def _lost(status: int | None) -> str:
    how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
    return f"its process was ended from outside ({how}); was there too little memory?"
