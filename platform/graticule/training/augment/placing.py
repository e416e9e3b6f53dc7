"""Draw where on its image a crop lies."""

from dataclasses import replace
from math import pi

import numpy as np
from jaxtyping import Int32

from graticule.training.augment.geometry import Placement
from graticule.training.recipe import Augmentation

ANYWHERE = 0.1
"""Share of the crops that lie anywhere, the others where something is to be seen."""


def draw_placement(
    labels: Int32[np.ndarray, "y x"],
    size: int,
    augmentation: Augmentation,
    rng: np.random.Generator,
    *,
    zoom: float = 1.0,
) -> Placement:
    """Return where a crop of ``size`` pixels lies: within the image if that is large enough.

    Args:
        labels: Of the image; at least nine in ten crops show some, if there are any.
        size: Edge of the crop, in its own pixels.
        augmentation: What turns and scales there are.
        rng: Of all that is drawn.
        zoom: Magnification at which a segmenter sees the image.
    """
    turned = _draw_turn(augmentation, rng)
    turned = replace(turned, scale=turned.scale * zoom)
    reach = size / 2 / turned.scale
    placement = replace(turned, centre=_anywhere(labels.shape, reach, rng))
    if rng.random() >= ANYWHERE and not _box(labels, placement.centre, reach).any() and labels.any():
        placement = replace(placement, centre=_at_something(labels, reach, rng))
    return _snapped(placement, size) if placement.lattice else placement


def _draw_turn(augmentation: Augmentation, rng: np.random.Generator) -> Placement:
    flip = augmentation.flip and rng.random() < 0.5
    quarter = int(rng.integers(4)) * pi / 2
    if rng.random() < augmentation.untouched:
        return Placement(centre=(0.0, 0.0), angle=quarter, flip=flip)
    low, high = np.log(augmentation.scale)
    scale = float(np.exp(rng.uniform(low, high)))
    angle = float(rng.uniform(0, 2 * pi)) if rng.random() < augmentation.rotate else quarter
    return Placement(centre=(0.0, 0.0), scale=scale, angle=angle, flip=flip)


def _anywhere(shape: tuple[int, ...], reach: float, rng: np.random.Generator) -> tuple[float, float]:
    y, x = (float(rng.uniform(*_range(length, reach))) for length in shape)
    return y, x


def _at_something(labels: np.ndarray, reach: float, rng: np.random.Generator) -> tuple[float, float]:
    """Return a centre less than half the crop's reach from a pixel of some instance."""
    pixels = np.flatnonzero(labels)
    at = np.unravel_index(pixels[rng.integers(len(pixels))], labels.shape)
    aside = rng.uniform(-reach / 2, reach / 2, size=2)
    y, x = (
        float(np.clip(p + 0.5 + d, *_range(length, reach)))
        for p, d, length in zip(at, aside, labels.shape, strict=True)
    )
    return y, x


def _range(length: int, reach: float) -> tuple[float, float]:
    """Return where the centre may lie: crop within image, or image within crop."""
    return min(reach, length - reach), max(reach, length - reach)


def _box(labels: np.ndarray, centre: tuple[float, float], reach: float) -> np.ndarray:
    rows, columns = (slice(max(int(c - reach), 0), max(int(c + reach), 1)) for c in centre)
    return labels[rows, columns]


def _snapped(placement: Placement, size: int) -> Placement:
    """Return a placement whose pixels are pixels of the image."""
    y, x = (round(c - size / 2) + size / 2 for c in placement.centre)
    return replace(placement, centre=(y, x))
