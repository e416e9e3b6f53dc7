"""One label image from many masks that may overlap."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32
from scipy import ndimage
from scipy.special import expit

from graticule.models.split import components
from graticule.models.yolo.masks import Mask

OWN = 0.5
"""Share of its mask that must not belong to likelier particles already, or it is one of them again."""


class Painting(NamedTuple):
    """Instance labels (0 is background) and the probability of being inside a particle."""

    labels: Int32[np.ndarray, "y x"]
    foreground: Float32[np.ndarray, "y x"]


def paint(masks: Iterable[Mask], shape: tuple[int, int]) -> Painting:
    """Return the labels of particles given with the likeliest first.

    Where particles overlap a pixel goes to the one with the larger logit. Each is left with
    its largest connected part.
    """
    labels = np.zeros(shape, np.int32)
    best = np.full(shape, -np.inf, np.float32)
    soft = np.full(shape, -np.inf, np.float32)
    count = 0
    for mask in masks:
        owner, strongest = labels[mask.box], best[mask.box]
        free = np.count_nonzero(owner[mask.body] == 0)
        if free < OWN * np.count_nonzero(mask.body):
            continue
        count += 1
        won = mask.body & (mask.logit > strongest)
        owner[won], strongest[won] = count, mask.logit[won]
        beside = ~mask.body & (mask.logit > _level(mask))
        np.maximum(soft[mask.box], np.where(beside, -np.inf, mask.logit), out=soft[mask.box])
    return Painting(labels=_largest_parts(labels), foreground=expit(soft))


def _level(mask: Mask) -> float:
    """Return the least logit inside; what lies above it outside belongs to something else."""
    return float(mask.logit[mask.body].min())


def _largest_parts(labels: np.ndarray) -> Int32[np.ndarray, "y x"]:
    """Return labels 1 … n, each the largest 8-connected part of what it was."""
    out = np.zeros_like(labels)
    count = 0
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:  # all of it was won by others
            continue
        count += 1
        parts = components(labels[box] == label)
        out[box][parts == 1 + int(np.bincount(parts.ravel())[1:].argmax())] = count
    return out
