"""How well one image was segmented, and what it took."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer

from graticule.evaluation.instances import score_instances
from graticule.evaluation.masks import boundary_f1, dice, iou


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageScores:
    """One image of one data set.

    Attributes:
        place: Of the image in its data set.
        metrics: By name; those of instances only where touching particles are parted in the truth.
        seconds: To segment it, statistics included; ``None`` where that was not measured.
        pixels: That it has.
    """

    place: int
    metrics: Mapping[str, float]
    seconds: float | None
    pixels: int


def scores_of(
    found: Integer[np.ndarray, "y x"], truth: Integer[np.ndarray, "y x"], *, parted: bool
) -> dict[str, float]:
    """Return all figures of an image.

    Where the truth does not part touching particles its labels are connected components, which
    is what nobody was asked to find: counts and matches of instances are left out.
    """
    mine, true = found > 0, truth > 0
    scores = {"iou": iou(mine, true), "dice": dice(mine, true), "boundary_f1": boundary_f1(mine, true)}
    if parted:
        instances = score_instances(found, truth)
        scores |= {
            "ap50": instances.average_precision,
            "pq": instances.panoptic_quality,
            "count_error": float(abs(instances.count_error)),
        }
    return scores
