"""Entrants one after the other, each in a process of its own, so that rows do not disturb each other."""

import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection

from graticule.training.comparison.measure import Measured, Work

log = logging.getLogger(__name__)

Execute = Callable[[Sequence[Work]], Iterator[Measured]]
"""Does pieces of work wherever it likes; gives their results in order."""


def one_by_one(works: Sequence[Work]) -> Iterator[Measured]:
    """Yield what each piece of work came to; a process that dies costs its own row alone."""
    return map(_apart, works)


def here(works: Sequence[Work]) -> Iterator[Measured]:
    """Yield what each piece of work comes to in this process; memory then counts what was there before."""
    return (work() for work in works)


def _apart(work: Work) -> Measured:
    context = get_context("spawn")
    answer, said = context.Pipe(duplex=False)
    process = context.Process(target=_answered, args=(work, said), daemon=True)
    process.start()
    said.close()
    try:
        measured: Measured = answer.recv()
    except EOFError:
        process.join()
        measured = Measured(entrant=work.entrant, trouble=_lost(process.exitcode))
    finally:
        process.kill()
        process.join()
        answer.close()
    return measured


def _answered(work: Work, said: Connection) -> None:
    # Ctrl-C on a terminal reaches all processes; the one that waits ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        measured = work()
    except Exception as error:  # hours of the others must not be lost by a mistake in one
        log.exception("error: %s", work.entrant.name)
        measured = Measured(entrant=work.entrant, trouble=f"{type(error).__name__}: {error}")
    said.send(measured)


def _lost(status: int | None) -> str:
    how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
    return f"its process was ended from outside ({how}); was there too little memory?"
