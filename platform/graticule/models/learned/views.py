"""Cover a patch with the square views that a network takes, and blend its answers.

Views start on a grid of :data:`GRID` pixels from the patch's corner (the last ones end with
the patch), since a network's answer shifts with its input only by whole strides. A patch
smaller than a view is continued by its mirror image. All pixels, (y, x).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float32

GRID = 32
"""Stride of the coarsest features of the networks here, in pixels."""
LEAST_OVERLAP = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Cover:
    """Where views lie on a patch.

    Attributes:
        shape: Height and width of the patch.
        edge: Of a view.
        corners: The views' first row and column, row by row.
    """

    shape: tuple[int, int]
    edge: int
    corners: tuple[tuple[int, int], ...]


def overlap_of(edge: int) -> int:
    """Return by how much neighbouring views overlap at least: an eighth, or 16 pixels."""
    return max(edge // 8, min(LEAST_OVERLAP, edge // 2))


def cover(shape: tuple[int, int], *, edge: int) -> Cover:
    """Return the views of ``edge`` pixels that cover a patch of ``shape``."""
    rows, columns = (_starts(length, edge) for length in shape)
    return Cover(shape=shape, edge=edge, corners=tuple(product(rows, columns)))


def cut(image: Float32[np.ndarray, "y x"], views: Cover) -> Iterator[Float32[np.ndarray, "e e"]]:
    """Yield the views of ``image``, in order."""
    missing = [(0, max(0, views.edge - length)) for length in image.shape]
    image = np.pad(image, missing, mode="symmetric")
    for y, x in views.corners:
        yield image[y : y + views.edge, x : x + views.edge]


def blended(answers: Iterable[Float32[np.ndarray, "k e e"]], views: Cover) -> Float32[np.ndarray, "k y x"]:
    """Return one answer for the patch from those of its views, in their order.

    Each counts with a weight that is 1 inside and falls smoothly, never to 0, over the
    overlap to the view's edge.
    """
    height, width = views.shape
    total, weights = None, np.zeros(views.shape, np.float32)
    window = _window(views.edge)
    for (y, x), answer in zip(views.corners, answers, strict=True):
        seen = answer[:, : height - y, : width - x]
        if len(views.corners) == 1:
            return np.ascontiguousarray(seen)
        if total is None:
            total = np.zeros((len(answer), height, width), np.float32)
        weight = window[: height - y, : width - x]
        box = slice(y, y + views.edge), slice(x, x + views.edge)
        total[(slice(None), *box)] += weight * seen
        weights[box] += weight
    assert total is not None
    return np.asarray(total / weights)


def _starts(length: int, edge: int) -> list[int]:
    step = edge - overlap_of(edge)
    step -= step % GRID if step > GRID else 0
    return [*range(0, length - edge, step), max(0, length - edge)]


def _window(edge: int) -> Float32[np.ndarray, "e e"]:
    """Return a view's weights: in the overlap, sin² of the distance to the edge."""
    inward = np.minimum(np.arange(edge), np.arange(edge)[::-1]) + 0.5
    ramp = np.sin(np.pi / 2 * np.minimum(inward / overlap_of(edge), 1.0)) ** 2
    return np.outer(ramp, ramp).astype(np.float32)
