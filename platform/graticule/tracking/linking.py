"""Links between two neighbouring frames.

The cost of a link is ``1 - IoU`` after the drift is taken out, plus the squared distance in
units of the reach, plus half the log ratio of the areas. The reach is the summed radii plus
twice the typical motion of this very pair, so it follows both size and restlessness. No
velocity is predicted: under Brownian steps a prediction doubles the variance.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from graticule.tracking.assignment import assign

_NEIGHBOURS = 4


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Side:
    """The instances of one frame: areas, and centroids free of drift."""

    area: Int[np.ndarray, " n"]
    centre: Float[np.ndarray, "n 2"]

    @property
    def radius(self) -> Float[np.ndarray, " n"]:
        """Radius of the disc of equal area, px."""
        return np.asarray(np.sqrt(self.area / np.pi))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pairs:
    """Pairs of one instance of each frame (by position) and the pixels they share."""

    a: Int[np.ndarray, " n"]
    b: Int[np.ndarray, " n"]
    pixels: Int[np.ndarray, " n"]


def link_pair(
    a: Side, b: Side, overlaps: Pairs, *, reach_radii: float, most_cost: float
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"], float]:
    """Return the linked positions in ``a`` and in ``b``, and the typical motion in px."""
    motion = _typical_motion(a, b, overlaps)
    pairs = _with_near(a, b, overlaps, reach_radii=reach_radii, motion=motion)
    reach = reach_radii * (a.radius[pairs.a] + b.radius[pairs.b]) + 2 * motion
    distance = np.linalg.norm(a.centre[pairs.a] - b.centre[pairs.b], axis=1)
    cost = (1 - _iou(a, b, pairs)) + (distance / reach) ** 2
    cost += 0.5 * np.abs(np.log(a.area[pairs.a] / b.area[pairs.b]))
    chosen = assign(pairs.a, pairs.b, cost, most=most_cost)
    return pairs.a[chosen], pairs.b[chosen], motion


def best_host(
    guest: Int[np.ndarray, " n"],
    host: Int[np.ndarray, " n"],
    pixels: Int[np.ndarray, " n"],
    area: Int[np.ndarray, " guests"],
) -> tuple[Int[np.ndarray, " guests"], Float[np.ndarray, " guests"]]:
    """Return for each guest the host that covers most of it (-1: none), and which part of it."""
    best = np.full(len(area), -1, dtype=np.int64)
    part = np.zeros(len(area))
    order = np.lexsort((-host, pixels))  # the last write wins: most pixels, then the lowest host
    best[guest[order]] = host[order]
    part[guest[order]] = pixels[order] / area[guest[order]]
    return best, part


def _iou(a: Side, b: Side, pairs: Pairs) -> Float[np.ndarray, " n"]:
    return np.asarray(pairs.pixels / (a.area[pairs.a] + b.area[pairs.b] - pairs.pixels))


def _typical_motion(a: Side, b: Side, overlaps: Pairs) -> float:
    sure = _iou(a, b, overlaps) > 0.4
    if not sure.any():
        return 0.0
    moved = a.centre[overlaps.a[sure]] - b.centre[overlaps.b[sure]]
    return float(np.median(np.linalg.norm(moved, axis=1)))


def _with_near(a: Side, b: Side, overlaps: Pairs, *, reach_radii: float, motion: float) -> Pairs:
    if not len(a.area) or not len(b.area):
        return overlaps
    limit = reach_radii * (a.radius.max() + b.radius.max()) + 2 * motion
    near = min(_NEIGHBOURS, len(b.area))
    _, found = cKDTree(b.centre).query(a.centre, k=[*range(1, near + 1)], distance_upper_bound=limit)
    found = np.asarray(found)
    row, column = np.nonzero(found < len(b.area))
    keys = np.concatenate([overlaps.a * len(b.area) + overlaps.b, row * len(b.area) + found[row, column]])
    pixels = np.concatenate([overlaps.pixels, np.zeros(len(row), dtype=np.int64)])
    keys, first = np.unique(keys, return_index=True)  # overlaps come first, so theirs are kept
    return Pairs(a=keys // len(b.area), b=keys % len(b.area), pixels=pixels[first])
