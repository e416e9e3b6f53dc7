"""The tracker ``trackpy``: Crocker-Grier linking of centroids; it knows no merges and no splits.

It is given drift-free centroids, nothing else. Source: J. C. Crocker and D. G. Grier, J. Colloid
Interface Sci. 179 (1996) 298; D. Allan et al., trackpy.
"""

import logging
from collections import defaultdict
from typing import Any

from pydantic import Field

from graticule.core.extras import extra_package
from graticule.tracking.libraries.links import Links, links_of_chains
from graticule.tracking.libraries.seen import SeenMovie
from graticule.tracking.libraries.tracker import LibrarySettings, LibraryTracker, checked

NAME = "trackpy"


class TrackpySettings(LibrarySettings):
    """Options of the tracker ``trackpy``."""

    adaptive_step: float = Field(default=0.9, gt=0, lt=1)
    """Where too many particles are within reach of each other, the reach shrinks by this factor."""


class TrackpyTracker(LibraryTracker):
    """Links centroids frame by frame; ``missed_frames`` is trackpy's ``memory``."""

    name = NAME
    settings: TrackpySettings

    def links(self, seen: SeenMovie) -> Links:
        """Return the links of trackpy's trajectories."""
        linking = extra_package("trackpy.linking", extra="compare", wanted_by=f"tracker {NAME}")
        logging.getLogger("trackpy").setLevel(logging.WARNING)
        reach, place = self.reach(seen), seen.place
        parts = seen.of_frames()
        found = linking.link_iter(
            enumerate(place[part] for part in parts),
            search_range=reach,
            memory=self.settings.missed_frames,
            adaptive_stop=0.01 * reach,
            adaptive_step=self.settings.adaptive_step,
        )
        chains: defaultdict[int, list[int]] = defaultdict(list)
        for frame, names in found:
            for at, name in enumerate(names):
                chains[name].append(parts[frame].start + at)
        return links_of_chains(list(chains.values()))


def create(**options: Any) -> TrackpyTracker:
    """Return the tracker with the given :class:`TrackpySettings`.

    Raises:
        ConfigError: If an option is unknown or its value cannot be, or trackpy is not installed.
    """
    settings = checked(TrackpySettings, NAME, options)
    extra_package("trackpy", extra="compare", wanted_by=f"tracker {NAME}")
    return TrackpyTracker(settings)
