"""Look at all examples, and name those that cannot be used in one line."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from graticule.core.errors import InputError

THREADS = 4
NAMED = 5
"""So many bad pairs are named; of all others, how many there are."""


def failures(read: Callable[[int], object], count: int) -> list[str]:
    """Return what ``read`` refuses with an :class:`InputError`, of so many examples, in order."""

    def problem(index: int) -> str | None:
        try:
            read(index)
        except InputError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(THREADS) as pool:
        return [why for why in pool.map(problem, range(count)) if why is not None]


def refuse(name: str, problems: Sequence[str], *, total: int) -> None:
    """Raise if there are problems.

    Raises:
        InputError: One line with the first few, and how many there are.
    """
    if not problems:
        return
    if len(problems) == 1:
        raise InputError(f"{name}: 1 of {total} pairs cannot be used: {problems[0]}")
    listed = " ".join(f"({number}) {why}" for number, why in enumerate(problems[:NAMED], start=1))
    more = f" … and {len(problems) - NAMED} more" if len(problems) > NAMED else ""
    raise InputError(f"{name}: {len(problems)} of {total} pairs cannot be used: {listed}{more}")
