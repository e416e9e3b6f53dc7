"""Who is who through time: the graph that tracking gives."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int, UInt32

EventKind = Literal["appear", "vanish", "merge", "split"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A change in who exists; ``frame`` is the first in which the new state is seen.

    A merge is dated to the first frame of lasting contact in projection. ``y_px, x_px``
    are full-resolution pixel centres of the undrifted frame; ``confidence`` is 0..1.
    """

    kind: EventKind
    frame: int
    parents: tuple[int, ...]
    children: tuple[int, ...]
    y_px: float
    x_px: float
    at_border: bool
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Carried:
    """Pixels of particles that a tracker saw where the segmenter saw none.

    Runs ``start`` … ``stop`` (exclusive) of the flattened frame, each of one particle, which
    has a ``label`` that ``labels/instances`` has not.
    """

    frame: Int[np.ndarray, " r"]
    label: UInt32[np.ndarray, " r"]
    start: Int[np.ndarray, " r"]
    stop: Int[np.ndarray, " r"]

    @classmethod
    def nothing(cls) -> "Carried":
        """Return no pixels."""
        none = np.zeros(0, np.int64)
        return cls(frame=none, label=none.astype(np.uint32), start=none, stop=none)

    def take(self, rows: Bool[np.ndarray, " r"] | slice) -> "Carried":
        """Return some of the runs."""
        return Carried(
            frame=self.frame[rows], label=self.label[rows], start=self.start[rows], stop=self.stop[rows]
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lineage:
    """Identities of all instances of a movie.

    One entry per instance: ``frame``, its ``label`` in that frame, and the ``track``
    (>= 1) whose id its pixels carry. Instances of one frame that share a track are pieces
    of one body. Sorted by (frame, label). Frames count within the experiment (from 0).
    ``drift_px`` is the position (y, x) of the specimen in each frame relative to the first.
    ``carried`` are the pixels of those that no segmenter saw.
    """

    frame: Int[np.ndarray, " n"]
    label: UInt32[np.ndarray, " n"]
    track: Int[np.ndarray, " n"]
    drift_px: Float[np.ndarray, "t 2"]
    events: tuple[Event, ...] = field(default=())
    carried: Carried = field(default_factory=Carried.nothing)
