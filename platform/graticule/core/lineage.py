"""Who is who through time: the graph that tracking gives."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, UInt32

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
class Lineage:
    """Identities of all instances of a movie.

    One entry per instance: ``frame``, its ``label`` in that frame, and the ``track``
    (>= 1) whose id its pixels carry. Instances of one frame that share a track are pieces
    of one body. Sorted by (frame, label). Frames count within the experiment (from 0).
    ``drift_px`` is the position (y, x) of the specimen in each frame relative to the first.
    """

    frame: Int[np.ndarray, " n"]
    label: UInt32[np.ndarray, " n"]
    track: Int[np.ndarray, " n"]
    drift_px: Float[np.ndarray, "t 2"]
    events: tuple[Event, ...] = field(default=())
