"""Identities through time: trackers, by name."""

import os
from collections.abc import Mapping
from typing import Any

from graticule.core.registry import look_up
from graticule.core.tracker import Tracker

TRACKERS = {
    "deaot": "graticule.tracking.deaot.tracker:create",
    "laptrack": "graticule.tracking.libraries.laptrack:create",
    "overlap": "graticule.tracking.overlap:create",
    "trackpy": "graticule.tracking.libraries.trackpy:create",
}

DEFAULT = "overlap"
"""The one that is right most often on real movies, and the quickest (docs/trackers.md)."""
DEFAULT_VARIABLE = "GRATICULE_TRACKER"


def default_tracker() -> str:
    """Return what follows unless a user chooses: ``$GRATICULE_TRACKER``, or :data:`DEFAULT`."""
    return os.environ.get(DEFAULT_VARIABLE) or DEFAULT


def create(name: str, **options: Any) -> Tracker:
    """Return a new tracker.

    Raises:
        UnknownNameError: If there is no tracker of that name; lists the known ones.
        ConfigError: If an option is unknown or its value cannot be.
    """
    tracker: Tracker = look_up("tracker", TRACKERS, name)(**options)
    return tracker


def pinned(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``options`` with weights, if the tracker has any, so named that they stay the same.

    Raises:
        UnknownNameError: If there is no tracker of that name.
        ConfigError: If an option cannot be, or there are no weights.
        InputError: If its weights cannot be had, or do not have the digest asked for.
    """
    return {**options, **create(name, **options).pinned_weights()}
