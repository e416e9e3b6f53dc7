"""Identities through time: trackers, by name."""

from typing import Any

from graticule.core.registry import look_up
from graticule.core.tracker import Tracker

TRACKERS = {"overlap": "graticule.tracking.overlap:create"}


def create(name: str, **options: Any) -> Tracker:
    """Return a new tracker.

    Raises:
        UnknownNameError: If there is no tracker of that name; lists the known ones.
        ConfigError: If an option is unknown or its value cannot be.
    """
    tracker: Tracker = look_up("tracker", TRACKERS, name)(**options)
    return tracker
