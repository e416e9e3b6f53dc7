"""From what the network says of every grid cell to the few detections worth a mask."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from scipy.special import logit
from torch import Tensor

from graticule.models.yolo.library import non_maximum_suppression
from graticule.models.yolo.network import COEFFICIENTS

MOST = 30_000
"""Candidates compared with each other, the likeliest; their number's square is the work."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Detections:
    """Particles found, the likeliest first; boxes (x0, y0, x1, y1) in pixels of the view."""

    boxes: Float32[np.ndarray, "n 4"]
    scores: Float32[np.ndarray, " n"]
    coefficients: Float32[np.ndarray, "n 32"]

    def __len__(self) -> int:
        return len(self.scores)


def detections(predictions: Float[Tensor, "channels n"], *, confidence: float, overlap: float) -> Detections:
    """Return what is detected in one view, of whatever class.

    Args:
        predictions: One image's part of :class:`.network.YoloOutput`.
        confidence: Least score of a detection, 0 … 1.
        overlap: Of two boxes with a larger intersection over union only the likelier is kept.
    """
    answers = predictions.float().cpu()
    best = answers[4:-COEFFICIENTS].amax(dim=0)
    sure = (best > float(logit(confidence))) & answers.isfinite().all(dim=0)
    order = torch.argsort(best[sure], descending=True, stable=True)[:MOST]
    found = answers[:, sure][:, order].T
    scores = best[sure][order].sigmoid()
    kept = found[non_maximum_suppression(found[:, :4], scores, overlap)]
    return Detections(
        boxes=kept[:, :4].numpy(),
        scores=kept[:, 4:-COEFFICIENTS].amax(dim=1).sigmoid().numpy(),
        coefficients=kept[:, -COEFFICIENTS:].numpy(),
    )
