"""Work emits small events; bars, logs and trackers of runs listen."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """So much of a stage is done.

    ``done`` and ``total`` count ``unit`` (frames, windows); ``skipped`` of ``done`` were
    finished by an earlier run.
    """

    stage: str
    done: int
    total: int
    unit: str = "frames"
    skipped: int = 0


Listener = Callable[[Progress], None]


def ignore(event: Progress) -> None:
    """Listen to nothing."""
