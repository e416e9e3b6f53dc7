"""The mask of a detection: coefficients times prototypes, upsampled as logits, then cut at a level.

Upsampling what is already cut, or cutting at the box, leaves steps of four pixels and straight
edges in the outline. Further than a cell outside of the box nobody has told the network what is
the particle (:func:`graticule.models.yolo.loss.mask_loss`): there it is cut. Memory does not grow
with the number of detections: products are made a few at a time, and only the surroundings of a
mask are upsampled.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from jaxtyping import Bool, Float, Float32
from scipy import ndimage

from graticule.core.window import Box
from graticule.models.split import components
from graticule.models.yolo.decode import Detections

CHUNK = 32
"""Detections whose coarse masks are held at a time."""
_RIM = 2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Mask:
    """One particle: ``logit`` where ``box`` (pixels) is, ``body`` the connected part above the level."""

    box: Box
    logit: Float32[np.ndarray, "y x"]
    body: Bool[np.ndarray, "y x"]


def masks(
    found: Detections,
    prototypes: Float32[np.ndarray, "m h4 w4"],
    shape: tuple[int, int],
    *,
    cell_px: tuple[float, float],
    level: float,
) -> Iterator[Mask]:
    """Yield the mask of each detection, in their order; those without a pixel in their box are left out.

    Args:
        found: Detections, with boxes in pixels of the image.
        prototypes: Of the image, or of a padded one whose first pixel is the image's.
        shape: Height and width of the image in pixels.
        cell_px: Height and width of a prototype cell in pixels of the image.
        level: The logit above which a pixel belongs to the particle.
    """
    flat = prototypes.reshape(len(prototypes), -1)
    for first in range(0, len(found), CHUNK):
        products = found.coefficients[first : first + CHUNK] @ flat
        for box_xyxy, product in zip(found.boxes[first : first + CHUNK], products, strict=True):
            coarse = product.reshape(prototypes.shape[1:])
            mask = _mask(coarse, _box_of(box_xyxy, shape), shape, cell_px, level)
            if mask is not None:
                yield mask


def _mask(
    coarse: np.ndarray, box: Box, shape: tuple[int, int], cell_px: tuple[float, float], level: float
) -> Mask | None:
    around = _surroundings(coarse, box, shape, cell_px, level)
    if around is None:
        return None
    logit = sampled(coarse, around, cell_px=cell_px)
    inside = _within(around, box, (0.0, 0.0))
    near = _within(around, box, cell_px)
    above = np.zeros(logit.shape, bool)
    above[near] = logit[near] > level
    body = _most_inside(above, inside)
    return None if body is None else Mask(box=around, logit=logit, body=body)


def _surroundings(
    coarse: np.ndarray, box: Box, shape: tuple[int, int], cell_px: tuple[float, float], level: float
) -> Box | None:
    """Return a box, in pixels, that holds all of the mask that is connected to the detection's box."""
    inside = tuple(
        slice(int(side.start // cell), max(int(-(-side.stop // cell)), int(side.start // cell) + 1))
        for side, cell in zip(box, cell_px, strict=True)
    )
    body = _most_inside(coarse > level, inside)
    if body is None:
        return None
    rows, columns = ndimage.find_objects(body.view(np.uint8))[0]
    y, x = (
        slice(
            max(int((cells.start - _RIM) * cell), 0),
            min(int(np.ceil((cells.stop + _RIM) * cell)), edge),
        )
        for cells, cell, edge in zip((rows, columns), cell_px, shape, strict=True)
    )
    return (y, x) if y.start < y.stop and x.start < x.stop else None


def _within(around: Box, box: Box, more: tuple[float, float]) -> tuple[slice, slice]:
    """Return where a box, grown to all sides, lies in the box ``around``."""
    y, x = (
        slice(max(b.start - ceil(grown) - a.start, 0), max(b.stop + ceil(grown) - a.start, 0))
        for a, b, grown in zip(around, box, more, strict=True)
    )
    return y, x


def _most_inside(above: Bool[np.ndarray, "y x"], inside: tuple[slice, ...]) -> Bool[np.ndarray, "y x"] | None:
    """Return the connected part that has the most pixels inside a box, if any has."""
    parts = components(above)
    counts = np.bincount(parts[inside].ravel())
    counts[:1] = 0
    return parts == int(counts.argmax()) if counts.any() else None


def sampled(
    coarse: Float[np.ndarray, "h w"], box: Box, *, cell_px: tuple[float, float]
) -> Float32[np.ndarray, "y x"]:
    """Return a coarse map at the pixels of ``box``, interpolated between the centres of its cells.

    The value of a pixel does not depend on the box it is asked for in.
    """
    (y0, y1, wy), (x0, x1, wx) = (
        _neighbours(side, cell, cells) for side, cell, cells in zip(box, cell_px, coarse.shape, strict=True)
    )
    rows = coarse[y0] * (1 - wy[:, None]) + coarse[y1] * wy[:, None]
    return np.asarray(rows[:, x0] * (1 - wx) + rows[:, x1] * wx, np.float32)


def _neighbours(side: slice, cell: float, cells: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    at = np.clip((np.arange(side.start, side.stop) + 0.5) / cell - 0.5, 0, cells - 1)
    lower = np.floor(at).astype(np.intp)
    return lower, np.minimum(lower + 1, cells - 1), (at - lower).astype(np.float32)


def _box_of(xyxy: np.ndarray, shape: tuple[int, int]) -> Box:
    """Return the pixels that a box touches, one at least, as far as the image goes."""
    (x0, y0, x1, y1), (height, width) = xyxy.tolist(), shape
    y, x = (
        slice(first := int(np.clip(np.floor(low), 0, edge - 1)), int(np.clip(np.ceil(high), first + 1, edge)))
        for low, high, edge in ((y0, y1, height), (x0, x1, width))
    )
    return y, x
