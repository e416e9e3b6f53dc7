"""What goes wrong, as ``application/problem+json`` (RFC 9457): one line with the value and the remedy."""

from collections.abc import Mapping
from typing import Any

from graticule.core.errors import ConfigError, GraticuleError, InputError, UnknownNameError

MEDIA_TYPE = "application/problem+json"

TITLES = {
    "bad-request": (400, "The request cannot be read"),
    "unauthorised": (401, "A token is needed"),
    "foreign": (403, "This may not be asked from there"),
    "unknown": (404, "There is no such thing"),
    "wrong-method": (405, "This cannot be done here"),
    "no-such-form": (406, "The answer has no such form"),
    "too-slow": (408, "The body did not arrive in time"),
    "not-finished": (409, "It is not finished"),
    "too-large": (413, "It is too large"),
    "wrong-type": (415, "This kind of file is not read"),
    "cannot-be": (422, "This cannot be done"),
    "failed": (500, "The server failed"),
    "replica-lost": (502, "The worker of this request is gone"),
    "busy": (503, "The server is busy"),
    "too-long": (504, "The time limit is over"),
}
"""Kind -> status and title."""


class Problem(Exception):
    """A refusal or failure that a client is told of.

    Args:
        kind: One of :data:`TITLES`.
        detail: One line: what was wrong, with its value, and the remedy.
        headers: Of the answer: ``Retry-After``, ``Allow``.
    """

    def __init__(self, kind: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(kind, detail)
        self.kind, self.detail, self.headers = kind, detail, dict(headers or {})
        self.status, self.title = TITLES[kind]

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.kind, self.detail, self.headers)

    def body(self, request_id: str | None = None) -> dict[str, Any]:
        """Return the members of the answer."""
        said = {"type": f"urn:graticule:{self.kind}", "title": self.title, "status": self.status}
        return {**said, "detail": self.detail, **({"instance": request_id} if request_id else {})}


def busy(what: str, *, seconds: int = 2) -> Problem:
    """Return the refusal of more work than fits in the queue."""
    return Problem("busy", f"{what}; try again in {seconds} s", headers={"Retry-After": str(seconds)})


def problem_of(error: GraticuleError) -> Problem:
    """Return what a client is told of an error of the tree in :mod:`graticule.core.errors`."""
    if isinstance(error, UnknownNameError):
        return Problem("unknown", str(error))
    if isinstance(error, InputError | ConfigError):
        return Problem("cannot-be", str(error))
    return Problem("failed", str(error))


def first_line(error: Exception) -> str:
    """Return what an error says, short enough to stand within a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def _again(kind: str, detail: str, headers: dict[str, str]) -> Problem:
    return Problem(kind, detail, headers=headers)
