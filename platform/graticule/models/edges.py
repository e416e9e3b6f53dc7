"""Instances that a window shows only in part: nobody may judge them by what is seen there."""

import numpy as np
from jaxtyping import Bool, Int32

from graticule.core.segmenter import Patch


def cut_edges(patch: Patch) -> Bool[np.ndarray, "y x"] | None:
    """Return the rim of the trusted box along which the frame goes on; ``None`` if it is the frame."""
    height, width = patch.pixels.shape[1:]
    y, x = patch.trusted
    cut = np.zeros((y.stop - y.start, x.stop - x.start), bool)
    cut[:1] |= y.start > 0
    cut[-1:] |= y.stop < height
    cut[:, :1] |= x.start > 0
    cut[:, -1:] |= x.stop < width
    return cut if cut.any() else None


def only(
    labels: Int32[np.ndarray, "y x"], keep: Bool[np.ndarray, " n"], cut: Bool[np.ndarray, "y x"] | None
) -> Int32[np.ndarray, "y x"]:
    """Return the labels to keep, and those that a cut edge shows only in part, without gaps.

    Args:
        labels: Instance labels, 0 … n - 1.
        keep: Whether to keep each; 0 stays background.
        cut: What :func:`cut_edges` gave.
    """
    if cut is not None:
        keep = keep.copy()
        keep[labels[cut]] = True
    keep[0] = False
    renamed = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return np.asarray(renamed[labels])
