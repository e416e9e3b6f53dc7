"""Bodies drawn on pixels, all at once: which pixels each covers, and how thick it is there.

A pixel belongs to a body when its centre lies on or within the outline.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from graticule.core.window import Box
from graticule.synthetic.shapes import Shapes, squared_profile

_SEAM_PX = 4.0
_EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cover:
    """Pixels covered by bodies, as a list; one entry per pixel and body.

    ``owner`` indexes the shapes; ``y, x`` are view coordinates; ``thickness`` is in
    pixels; ``share`` is how much of it is lobe a's lattice, 0..1.
    """

    owner: Int[np.ndarray, " p"]
    y: Int[np.ndarray, " p"]
    x: Int[np.ndarray, " p"]
    thickness: Float[np.ndarray, " p"]
    share: Float[np.ndarray, " p"]


def cover(shapes: Shapes, canvas: Box) -> Cover:
    """Return the pixels of ``canvas`` (view coordinates, may be negative) that bodies cover."""
    owner, y, x = _pixels_of_boxes(shapes, canvas)
    dy, dx = y - shapes.centre[owner, 0], x - shapes.centre[owner, 1]
    square = dy**2 + dx**2
    squared = shapes.lobe[owner, 0] ** 2 - square
    share = np.ones(len(owner))
    pairs = np.flatnonzero(shapes.lobe[owner, 1] > 0)
    if len(pairs):
        squared[pairs], share[pairs] = _pair_pixels(shapes, owner[pairs], dy[pairs], dx[pairs])
    inside = np.flatnonzero(squared >= 0)
    return Cover(
        owner=owner[inside],
        y=y[inside],
        x=x[inside],
        thickness=2 * np.sqrt(squared[inside]),
        share=share[inside],
    )


def in_one_piece(shapes: Shapes) -> bool:
    """Return whether the pixels of one body touch each other, corners included."""
    low, high = shapes.corners()
    (y0, x0), (y1, x1) = np.floor(low[0]).astype(int), np.ceil(high[0]).astype(int) + 1
    covered = cover(shapes, (slice(int(y0), int(y1)), slice(int(x0), int(x1))))
    mask: Bool[np.ndarray, "y x"] = np.zeros((y1 - y0, x1 - x0), dtype=bool)
    mask[covered.y - y0, covered.x - x0] = True
    return int(ndimage.label(mask, structure=_EIGHT)[1]) == 1


def _pixels_of_boxes(
    shapes: Shapes, canvas: Box
) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"], Int[np.ndarray, " p"]]:
    low, high = shapes.corners()
    start = np.maximum(np.floor(low).astype(np.int64), [side.start for side in canvas])
    stop = np.minimum(np.ceil(high).astype(np.int64) + 1, [side.stop for side in canvas])
    height, width = np.maximum(stop - start, 0).T
    counts = height * width
    owner = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(within, width[owner]) if len(owner) else (within, within)
    return owner, row + start[owner, 0], column + start[owner, 1]


def _pair_pixels(
    shapes: Shapes, owner: Int[np.ndarray, " p"], dy: Float[np.ndarray, " p"], dx: Float[np.ndarray, " p"]
) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, " p"]]:
    axis, lobe, along = shapes.axis[owner], shapes.lobe[owner], shapes.along[owner]
    z = dy * axis[:, 0] + dx * axis[:, 1]
    profile = squared_profile(z, (lobe[:, 0], lobe[:, 1]), (along[:, 0], along[:, 1]), shapes.blend[owner])
    # the grain boundary is the plane where both lobes' spheres intersect
    distance = np.maximum(along[:, 1] - along[:, 0], 1e-6)
    plane = (lobe[:, 0] ** 2 - lobe[:, 1] ** 2 + distance**2) / (2 * distance) + along[:, 0]
    share = np.clip(0.5 - (z - plane) / _SEAM_PX, 0.0, 1.0)
    return profile - (dy**2 + dx**2 - z**2), share
