"""Candidates of a frame -> its labels."""

from math import pi

import numpy as np
from jaxtyping import Float32, Int32
from scipy.special import expit

from graticule.core.segmenter import Patch
from graticule.models.edges import cut_edges, only
from graticule.models.efficient_sam.automatic.candidate import Candidate
from graticule.models.efficient_sam.automatic.join import names
from graticule.models.efficient_sam.automatic.paint import painted
from graticule.models.efficient_sam.automatic.suppress import suppressed


def drawn(
    candidates: list[Candidate], patch: Patch, *, split: bool, min_diameter_px: float
) -> tuple[Int32[np.ndarray, "y x"], Float32[np.ndarray, "y x"]]:
    """Return labels and foreground probability of a frame's trusted box.

    Args:
        candidates: Of all views of the frame, in any order.
        patch: That the frame is of.
        split: Whether to part touching particles.
        min_diameter_px: Smaller ones are dropped, unless a cut edge shows them only in part.
    """
    kept = suppressed(candidates, split=split)
    painting = painted(kept, names(kept), patch.pixels.shape[1:])
    labels = painting.labels[patch.trusted]
    least = max(1.0, pi / 4 * min_diameter_px**2)
    keep = np.bincount(labels.ravel()) >= least
    return only(labels, keep, cut_edges(patch)), expit(painting.logit[patch.trusted])
