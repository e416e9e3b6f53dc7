"""One answer of the network that may be a particle, cut out of its view.

The network draws on a lattice of its own, a quarter of its input's edge (256 x 256). All
views of a patch have the same ``step``, so that masks of different views can be laid over
one another on a common lattice, to half a step.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float16

from graticule.core.window import Box

RIM = 3
"""Lattice points kept around a mask, so that its outline can be interpolated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lattice:
    """Where the network's output points of one view lie in the patch.

    Attributes:
        top: First row of the view, in patch pixels; a padded view still begins in the patch.
        left: First column.
        step: Patch pixels from one lattice point to the next.
        size: Lattice points along an edge of the view.
    """

    top: int
    left: int
    step: float
    size: int = 256

    @property
    def origin(self) -> tuple[int, int]:
        """The view's corner on the lattice that all views of a patch share."""
        return round(self.top / self.step), round(self.left / self.step)


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """One mask with its score.

    Attributes:
        score: Intersection over union that the network predicts for itself.
        order: Number of the prompt and the mask within the patch; breaks ties.
        lattice: Of its view.
        corner: First row and column of the crop, on the view's lattice.
        mask: The crop's part of the main body of ``logits > 0``.
        logits: The mask's box and a rim of :data:`RIM`, cut at the view's edge.
        cut: Whether the mask reaches an edge of its view at which the patch goes on.
    """

    score: float
    order: int
    lattice: Lattice
    corner: tuple[int, int]
    mask: Bool[np.ndarray, "h w"]
    logits: Float16[np.ndarray, "h w"]
    cut: bool

    @cached_property
    def area(self) -> int:
        """Of the mask, in lattice points."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """The crop's ``y0, y1, x0, x1`` on the lattice that all views share."""
        (top, left), (y, x), (height, width) = self.lattice.origin, self.corner, self.mask.shape
        return top + y, top + y + height, left + x, left + x + width

    def within(self, box: tuple[int, int, int, int]) -> Bool[np.ndarray, "h w"]:
        """Return the mask's part in a box of the shared lattice that lies in its own."""
        y0, y1, x0, x1 = box
        y, x = self.box[0], self.box[2]
        return self.mask[y0 - y : y1 - y, x0 - x : x1 - x]


def shared(one: Candidate, other: Candidate) -> int:
    """Return how many lattice points two masks have in common."""
    a, b = one.box, other.box
    box = max(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), min(a[3], b[3])
    if box[0] >= box[1] or box[2] >= box[3]:
        return 0
    return int(np.count_nonzero(one.within(box) & other.within(box)))


def are_halves(one: Candidate, other: Candidate) -> bool:
    """Return whether two masks may show two parts of one body, cut by different views."""
    return one.cut and other.cut and one.lattice != other.lattice


def ranked(candidates: list[Candidate]) -> list[Candidate]:
    """Return candidates best first: whole before cut, then by score, then by prompt."""
    return sorted(candidates, key=lambda c: (c.cut, -c.score, c.order, c.lattice.top, c.lattice.left))


def box_of(mask: Bool[np.ndarray, "h w"]) -> Box:
    """Return the least box around a mask; one point in the corner around an empty one."""
    if not mask.any():
        return slice(0, 1), slice(0, 1)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
