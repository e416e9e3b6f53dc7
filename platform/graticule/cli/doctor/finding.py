"""One thing that was looked at: what was found, and what to do where it is not right."""

from dataclasses import dataclass
from typing import Literal

State = Literal["fine", "absent", "problem"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """``absent`` is what one may do without; a ``problem`` has something fail that was asked for."""

    name: str
    found: str
    state: State = "fine"
    remedy: str | None = None

    def __str__(self) -> str:
        """One line, its remedy behind it."""
        mark = "PROBLEM: " if self.state == "problem" else ""
        return f"{self.name:<22} {mark}{self.found}{f'; {self.remedy}' if self.remedy else ''}"


def problem(name: str, error: object, remedy: str | None = None) -> Finding:
    """Return what is wrong, in the words of an error that may name its remedy itself."""
    return Finding(name=name, found=str(error), state="problem", remedy=remedy)
