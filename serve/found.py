"""What was found in an image: bodies, each with its pixels and how sure the network is of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Integer, UInt32
from scipy import ndimage

_BAND_PIXELS = 2**20


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Labelled:
    """The answer to an image: labels 1 … n, and the score of each."""

    labels: UInt32[np.ndarray, "y x"]
    scores: Float32[np.ndarray, " n"]
    polarity: Literal["dark", "bright"] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Asked:
    """The answer to one prompt, cut to its box."""

    mask: Bool[np.ndarray, "h w"]
    corner: tuple[int, int]
    score: float
    prompt: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prompted:
    """The answers to the prompts of an image of ``shape``; bodies may overlap."""

    shape: tuple[int, int]
    bodies: tuple[Asked, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Numbers of a body, in pixels; ``box`` is y0, x0, y1, x1, the end not within."""

    area: int
    centroid: tuple[float, float]
    box: tuple[int, int, int, int]
    touches_border: bool

    @property
    def equivalent_diameter(self) -> float:
        """Diameter of the disc of the same area."""
        return 2.0 * sqrt(self.area / pi)


def measured(labels: Integer[np.ndarray, "y x"]) -> list[Measured]:
    """Return the measures of labels 1 … n, each of which has pixels."""
    count = int(labels.max(initial=0))
    area, sums = _counted(labels, count)
    own = labels if labels.dtype.itemsize < 4 else labels.view(np.int32)
    boxes = ndimage.find_objects(own, max_label=count)
    out = []
    for index, (rows, columns) in enumerate(boxes):
        box = rows.start, columns.start, rows.stop, columns.stop
        pixels = int(area[index])
        centroid = float(sums[0][index] / pixels), float(sums[1][index] / pixels)
        out.append(
            Measured(area=pixels, centroid=centroid, box=box, touches_border=_at_border(box, labels.shape))
        )
    return out


def _counted(
    labels: Integer[np.ndarray, "y x"], count: int
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, "2 n"]]:
    """Return how many pixels each label has, and the sums of their y and x; a band of rows at a time."""
    area, sums = np.zeros(count, np.int64), np.zeros((2, count))
    step = max(1, _BAND_PIXELS // max(1, labels.shape[1]))
    for first in range(0, len(labels), step):
        band = labels[first : first + step]
        y, x = np.nonzero(band)
        owner = band[y, x]
        area += np.bincount(owner, minlength=count + 1)[1:]
        for total, place in zip(sums, (y + first, x), strict=True):
            total += np.bincount(owner, place, minlength=count + 1)[1:]
    return area, sums


def measured_body(body: Asked, shape: tuple[int, int]) -> Measured:
    """Return the measures of the answer to a prompt."""
    own = measured(body.mask.view(np.uint8))[0]
    top, left = body.corner
    y0, x0, y1, x1 = own.box
    box = y0 + top, x0 + left, y1 + top, x1 + left
    centroid = own.centroid[0] + top, own.centroid[1] + left
    return Measured(area=own.area, centroid=centroid, box=box, touches_border=_at_border(box, shape))


def _at_border(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> bool:
    return box[0] == 0 or box[1] == 0 or box[2] == shape[0] or box[3] == shape[1]


def painted(bodies: Sequence[Asked], shape: tuple[int, int]) -> UInt32[np.ndarray, "y x"]:
    """Return a label image of bodies, 1 … n in their order; a pixel of two is that of the higher score."""
    labels = np.zeros(shape, np.uint32)
    for number in sorted(range(len(bodies)), key=lambda n: (bodies[n].score, -n)):
        body = bodies[number]
        top, left = body.corner
        height, width = body.mask.shape
        labels[top : top + height, left : left + width][body.mask] = number + 1
    return labels


def hidden(bodies: Sequence[Asked], labels: UInt32[np.ndarray, "y x"]) -> list[int]:
    """Return the numbers of bodies that others cover whole in the label image of :func:`painted`."""
    seen = np.bincount(labels.ravel(), minlength=len(bodies) + 1)[1:]
    return [int(number) for number in np.flatnonzero(seen == 0) + 1]
