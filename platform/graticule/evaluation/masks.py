"""How well two masks agree: overlap and outline.

Conventions: two empty masks agree fully (1); one empty and one not, not at all (0).
"""

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from graticule.core.errors import InputError


def iou(predicted: Bool[np.ndarray, "..."], truth: Bool[np.ndarray, "..."]) -> float:
    """Return intersection over union (Jaccard index) of two masks of one shape.

    Raises:
        InputError: If the shapes differ.
    """
    _check(predicted, truth)
    union = int(np.count_nonzero(predicted | truth))
    return int(np.count_nonzero(predicted & truth)) / union if union else 1.0


def dice(predicted: Bool[np.ndarray, "..."], truth: Bool[np.ndarray, "..."]) -> float:
    """Return twice the intersection over the summed sizes (Dice index, F1 of pixels).

    Raises:
        InputError: If the shapes differ.
    """
    _check(predicted, truth)
    sizes = int(np.count_nonzero(predicted)) + int(np.count_nonzero(truth))
    return 2 * int(np.count_nonzero(predicted & truth)) / sizes if sizes else 1.0


def boundary_f1(
    predicted: Bool[np.ndarray, "y x"], truth: Bool[np.ndarray, "y x"], *, tolerance_px: float = 2.0
) -> float:
    """Return the F1 of outline pixels that have an outline pixel of the other mask near by.

    The outline is made of the mask's pixels that have a neighbour (of 4) outside of it;
    the frame's edge is no outline. A mask that fills the frame has none and counts as empty.

    Source: G. Csurka et al., What is a good evaluation measure for semantic segmentation?, BMVC 2013.

    Args:
        predicted: The mask to score.
        truth: The mask it should be.
        tolerance_px: Greatest distance, in pixels, at which two outline pixels match.

    Raises:
        InputError: If the shapes differ.
    """
    _check(predicted, truth)
    mine, theirs = outline(predicted), outline(truth)
    if not mine.any() or not theirs.any():
        return float(mine.any() == theirs.any())
    precision = float(np.mean(_distance_to(theirs)[mine] <= tolerance_px))
    recall = float(np.mean(_distance_to(mine)[theirs] <= tolerance_px))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def outline(mask: Bool[np.ndarray, "y x"]) -> Bool[np.ndarray, "y x"]:
    """Return the mask's pixels with one of their 4 neighbours outside of it."""
    return np.asarray(mask & ~ndimage.binary_erosion(mask, border_value=1))


def _distance_to(mask: np.ndarray) -> np.ndarray:
    return np.asarray(ndimage.distance_transform_edt(~mask))


def _check(predicted: np.ndarray, truth: np.ndarray) -> None:
    if predicted.shape != truth.shape:
        raise InputError(
            f"cannot compare masks of {predicted.shape} and {truth.shape} pixels;"
            " predict at the size of the truth"
        )
