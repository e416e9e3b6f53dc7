"""The tracker ``laptrack``: linear assignment with the library's own gaps, merges and splits.

It is given drift-free centroids and equivalent radii. Frames are linked by squared distance in
(y, x, radius); segments are then joined by its second assignment, whose costs (gap, merge,
split) are squared distances in units of the two radii, so that they can be weighed against each
other whatever the particles' size. Sources: K. Jaqaman et al., Nature Methods 5 (2008) 695;
Y. T. Fukai and K. Kawaguchi, Bioinformatics 39 (2023) btac799.
"""

from typing import Any

import numpy as np
from jaxtyping import Float
from pydantic import Field

from graticule.core.extras import extra_package
from graticule.tracking.libraries.links import Links
from graticule.tracking.libraries.seen import SeenMovie
from graticule.tracking.libraries.tracker import LibrarySettings, LibraryTracker, checked

NAME = "laptrack"


class LaptrackSettings(LibrarySettings):
    """Options of the tracker ``laptrack``; distances of segments are in summed radii."""

    gap_radii: float = Field(default=1.0, gt=0)
    """How far a particle may have moved while it was not seen."""
    merge_radii: float = Field(default=1.0, ge=0)
    """How far a particle that ends may lie from one it merges with; 0: no merges."""
    split_radii: float = Field(default=1.0, ge=0)
    """How far a particle that begins may lie from one it splits off; 0: no splits."""


class LaptrackTracker(LibraryTracker):
    """Links by assignment, then joins segments by another one."""

    name = NAME
    settings: LaptrackSettings

    def links(self, seen: SeenMovie) -> Links:
        """Return the edges of laptrack's graph."""
        library = extra_package("laptrack", extra="compare", wanted_by=f"tracker {NAME}")
        settings, parts = self.settings, seen.of_frames()
        told = np.column_stack([seen.place, seen.radius])
        tracker = library.LapTrack(
            metric="sqeuclidean",
            cutoff=self.reach(seen) ** 2,
            gap_closing_metric=_apart,
            gap_closing_cutoff=settings.gap_radii**2 if settings.missed_frames else False,
            gap_closing_max_frame_count=settings.missed_frames + 1,
            merging_metric=_apart,
            merging_cutoff=settings.merge_radii**2 or False,
            splitting_metric=_apart,
            splitting_cutoff=settings.split_radii**2 or False,
            alternative_cost_percentile=100,  # else the dearest tenth of what is within reach is refused
        )
        if len(parts) < 2 or not len(told):
            return np.zeros((0, 2), dtype=np.int64)
        graph = tracker.predict([told[part] for part in parts])
        pairs = sorted((parts[a].start + i, parts[b].start + j) for (a, i), (b, j) in graph.edges())
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _apart(a: Float[np.ndarray, "3"], b: Float[np.ndarray, "3"]) -> float:
    """Return the squared distance of two instances (y, x, radius) in units of their summed radii."""
    return float(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / (a[2] + b[2]) ** 2)


def create(**options: Any) -> LaptrackTracker:
    """Return the tracker with the given :class:`LaptrackSettings`.

    Raises:
        ConfigError: If an option is unknown or its value cannot be, or laptrack is not installed.
    """
    settings = checked(LaptrackSettings, NAME, options)
    extra_package("laptrack", extra="compare", wanted_by=f"tracker {NAME}")
    return LaptrackTracker(settings)
