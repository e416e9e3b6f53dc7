"""Which form of the answer a client would have, from its ``Accept`` header (RFC 9110, 12.5.1)."""

from dataclasses import dataclass
from typing import Literal

from serve.problems import Problem

Form = Literal["json", "png", "tiff", "overlay-jpeg", "overlay-png"]

_OVERLAY = {"view": "overlay"}
OFFERED: tuple[tuple[str, dict[str, str], Form], ...] = (
    ("application/json", {}, "json"),
    ("image/png", {}, "png"),
    ("image/tiff", {}, "tiff"),
    ("image/jpeg", {}, "overlay-jpeg"),
    ("image/png", _OVERLAY, "overlay-png"),
)
"""Media type, its parameters, and what it stands for; of equals the first is taken."""
KNOWN = "application/json, image/png or image/tiff (labels), image/jpeg or image/png;view=overlay (overlay)"
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class _Range:
    """One range of the header."""

    kind: str
    parameters: dict[str, str]
    quality: float

    def rank(self, kind: str, parameters: dict[str, str]) -> tuple[int, int] | None:
        """Return how closely this range names an offer; ``None`` if it does not."""
        if self.kind == "*/*":
            return None if parameters else (0, 0)
        if self.kind == f"{kind.partition('/')[0]}/*":
            return None if parameters else (1, 0)
        return (2, len(self.parameters)) if (self.kind, self.parameters) == (kind, parameters) else None


def form_for(accept: str | None) -> Form:
    """Return the offered form that the header likes best; JSON where it says nothing.

    Raises:
        Problem: 406 if it wants none of them; lists them.
    """
    ranges = _ranges(accept or "*/*")
    best: tuple[float, Form] | None = None
    for kind, parameters, form in OFFERED:
        fitting = [(rank, r.quality) for r in ranges if (rank := r.rank(kind, parameters)) is not None]
        quality = max(fitting)[1] if fitting else 0.0
        if quality > (best[0] if best else 0.0):
            best = quality, form
    if best is None:
        raise Problem("no-such-form", f"Accept: {(accept or '')[:100]} is not offered; there is: {KNOWN}")
    return best[1]


def _ranges(accept: str) -> list[_Range]:
    return [_range(part) for part in accept[:_LONGEST].split(",") if part.strip()]


def _range(part: str) -> _Range:
    kind, *rest = (piece.strip().lower() for piece in part.split(";"))
    given = {name.strip(): value.strip().strip('"') for name, _, value in (p.partition("=") for p in rest)}
    quality = given.pop("q", "1")
    return _Range(kind, {k: v for k, v in given.items() if k == "view"}, _number(quality))


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0
