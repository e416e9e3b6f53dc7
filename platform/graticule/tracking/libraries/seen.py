"""What the libraries' trackers are given: all instances of a movie, their places free of drift.

The same places that ``overlap`` compares: centroids minus the drift measured in the images.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int, UInt32

from graticule.core.tracker import Observations

_COLUMNS = ("frame", "label", "area", "y", "x", "border")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SeenMovie:
    """Instances sorted by (frame, label), referred to by their position."""

    frames: int
    drift: Float[np.ndarray, "t 2"]
    frame: Int[np.ndarray, " n"]
    label: UInt32[np.ndarray, " n"]
    area: Int[np.ndarray, " n"]
    centre: Float[np.ndarray, "n 2"]
    border: Bool[np.ndarray, " n"]

    @property
    def radius(self) -> Float[np.ndarray, " n"]:
        """Radius of the disc of equal area, px."""
        return np.asarray(np.sqrt(self.area / np.pi))

    @property
    def place(self) -> Float[np.ndarray, "n 2"]:
        """Centroids on the specimen: drift removed."""
        return np.asarray(self.centre - self.drift[self.frame])

    @property
    def typical_radius(self) -> float:
        """Median radius of all instances, px; 1 without any."""
        return float(np.median(self.radius)) if len(self.area) else 1.0

    def of_frames(self) -> list[slice]:
        """Return where each frame's instances stand."""
        bounds = np.searchsorted(self.frame, np.arange(self.frames + 1))
        return [slice(int(a), int(b)) for a, b in pairwise(bounds)]


def seen_movie(observed: Iterable[Observations], *, frames: int) -> SeenMovie:
    """Return the instances of all runs; of two runs that share a frame the first speaks for it."""
    steps, kept, following = np.zeros((frames, 2)), [], 0
    for run in observed:
        first, count = int(run["first"]), len(run["steps"])
        steps[first + 1 : first + 1 + count] = run["steps"]
        new = run["instance_frame"] >= following
        kept.append([run[f"instance_{name}"][new] for name in _COLUMNS])
        following = first + count + 1
    frame, label, area, y, x, border = (np.concatenate(column) for column in zip(*kept, strict=True))
    return SeenMovie(
        frames=frames,
        drift=np.cumsum(steps, axis=0),
        frame=frame,
        label=label,
        area=area,
        centre=np.stack([y, x], axis=1),
        border=border,
    )
