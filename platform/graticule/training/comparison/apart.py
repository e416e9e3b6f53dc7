"""Entrants one after the other, each in a process of its own, so that rows do not disturb each other."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from graticule.training.comparison.measure import Measured, Work

Execute = Callable[[Sequence[Work]], Iterator[Measured]]
"""Does pieces of work wherever it likes; gives their results in order."""


def one_by_one(works: Sequence[Work]) -> Iterator[Measured]:
    """Yield what each piece of work came to; a process that dies costs its own row alone."""
    for work in works:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            try:
                yield alone.submit(work).result()
            except BrokenProcessPool:
                yield Measured(
                    entrant=work.entrant,
                    trouble="its process was ended from outside; was there too little memory?",
                )


def here(works: Sequence[Work]) -> Iterator[Measured]:
    """Yield what each piece of work comes to in this process; memory then counts what was there before."""
    return (work() for work in works)
