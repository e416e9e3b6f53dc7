"""Which trackers are compared, and with which options."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graticule import tracking
from graticule.core.errors import ConfigError, GraticuleError

log = logging.getLogger(__name__)

BASELINE = "overlap"
ALL = "all"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrant:
    """One row of the comparison: a tracker with its options.

    ``pinned`` are the options with weights, where it has any, by a name that lasts.
    """

    tracker: str
    options: Mapping[str, Any] = field(default_factory=dict)
    pinned: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As tables call it."""
        said = ", ".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.tracker} ({said})" if said else self.tracker


def entrants_of(texts: Sequence[str], options: Mapping[str, Any] | None = None) -> list[Entrant]:
    """Return the entrants that ``--trackers`` names, ``overlap`` first, each once.

    Args:
        texts: Comma-separated names; ``all`` are those that there are.
        options: ``TRACKER.OPTION`` -> value.

    Raises:
        UnknownNameError: If there is no tracker of a name.
        ConfigError: If an option cannot be, or is none of those that take part.
    """
    parts = [part.strip() for text in texts for part in text.split(",")]
    names = [BASELINE]
    for part in parts:
        names += sorted(tracking.TRACKERS) if part == ALL else [part]
    given = _by_tracker(options or {})
    idle = [name for name in given if name not in names]
    if idle:
        raise ConfigError(f"--tracker-option {idle[0]}.…: it takes no part; add it to --trackers")
    found = (_entrant(name, given.get(name, {}), named=name in parts) for name in dict.fromkeys(names))
    return [entrant for entrant in found if entrant is not None]


def _entrant(name: str, options: Mapping[str, Any], *, named: bool) -> Entrant | None:
    """Return a tracker that can be had; one that nobody named, and which cannot, is left out."""
    try:
        return Entrant(tracker=name, options=options, pinned=tracking.pinned(name, options))
    except GraticuleError as error:
        if named or options:
            raise
        log.warning("--trackers all: without %s: %s", name, error)
        return None


def _by_tracker(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    given: dict[str, dict[str, Any]] = {}
    for name, value in options.items():
        tracker, dot, option = name.partition(".")
        if not dot or not option:
            raise ConfigError(f"--tracker-option {name!r} names no tracker; write TRACKER.OPTION=VALUE")
        given.setdefault(tracker, {})[option] = value
    return given
