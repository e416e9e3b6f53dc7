"""Draw the masks that were kept at the patch's full size, each in its own box only.

Where two overlap, a pixel goes to the mask with the higher logit: the line between two
touching particles falls where the network is as sure of one as of the other, and no order
of drawing enters (of equals, the better mask's). Crumbs left over by that are dropped.
"""

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from jaxtyping import Bool, Float32, Int32
from scipy import ndimage

from graticule.core.window import Box
from graticule.models.efficient_sam.automatic.candidate import RIM, Candidate
from graticule.models.efficient_sam.automatic.cubic import cubic_matrix
from graticule.models.split import components


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Painting:
    """Labels of a patch, and the highest logit of any mask at each pixel (-inf away from all)."""

    labels: Int32[np.ndarray, "y x"]
    logit: Float32[np.ndarray, "y x"]


def painted(kept: list[Candidate], names: list[int], shape: tuple[int, int]) -> Painting:
    """Return the labels of a patch of ``shape``.

    Args:
        kept: Masks, best first.
        names: The label of each, from 1.
        shape: Height and width, in pixels.
    """
    labels = np.zeros(shape, np.int32)
    logit = np.full(shape, -np.inf, np.float32)
    for candidate, name in zip(kept, names, strict=True):
        box, values, body = full_size(candidate, shape)
        higher = (values > logit[box]) & (body | (values <= 0))
        logit[box][higher] = values[higher]
        labels[box][higher & body] = name
    return Painting(labels=_without_crumbs(labels), logit=logit)


def full_size(
    candidate: Candidate, shape: tuple[int, int]
) -> tuple[Box, Float32[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Return a mask's box in the patch, its logits there, and its body: the mask without crumbs.

    Args:
        candidate: The mask.
        shape: Of the patch, in pixels; what lies beyond is cut off.
    """
    lattice, (y, x), (height, width) = candidate.lattice, candidate.corner, candidate.mask.shape
    rows = _pixels(lattice.top, lattice.step, y, height, lattice.size, shape[0])
    columns = _pixels(lattice.left, lattice.step, x, width, lattice.size, shape[1])
    at_y = (np.arange(rows.start, rows.stop) - lattice.top + 0.5) / lattice.step - 0.5 - y
    at_x = (np.arange(columns.start, columns.stop) - lattice.left + 0.5) / lattice.step - 0.5 - x
    crop = candidate.logits.astype(np.float32)
    values = cubic_matrix(at_y, height) @ crop @ cubic_matrix(at_x, width).T
    nearest = np.ix_(_nearest(at_y, height), _nearest(at_x, width))
    return (rows, columns), values, _main_body(values > 0, candidate.mask[nearest])


def _pixels(start: int, step: float, first: int, count: int, size: int, limit: int) -> slice:
    """Return the patch's pixels among the lattice points of a crop, to its edge or the view's."""
    low = first + (RIM - 1 if first else 0)
    high = first + count - (RIM - 1 if first + count < size else 0)
    begin = min(max(start + ceil(low * step - 0.5), 0), limit)
    return slice(begin, max(begin, min(start + floor(high * step + 0.5), limit)))


def _nearest(at: np.ndarray, size: int) -> np.ndarray:
    return np.clip(np.round(at), 0, size - 1).astype(np.int64)


def _main_body(mask: np.ndarray, seen: np.ndarray) -> Bool[np.ndarray, "h w"]:
    """Return the body of a mask that has most in common with what the lattice has seen."""
    bodies = components(mask)
    common = np.bincount(bodies[seen & mask], minlength=2)
    common[0] = 0
    return np.asarray((bodies == int(np.argmax(common))) & mask)


def _without_crumbs(labels: Int32[np.ndarray, "y x"]) -> Int32[np.ndarray, "y x"]:
    """Return each label's largest body alone."""
    out = np.zeros_like(labels)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        bodies = components(labels[box] == label)
        sizes = np.bincount(bodies.ravel())
        sizes[0] = 0
        out[box][bodies == int(np.argmax(sizes))] = label
    return out
