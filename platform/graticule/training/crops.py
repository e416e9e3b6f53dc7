"""Make what a network is trained on from a labelled image: a square of it, augmented."""

import numpy as np
from jaxtyping import Int32
from skimage.measure import label

from graticule.training.augment.geometry import Placement, warped, warped_labels
from graticule.training.augment.look import draw_look
from graticule.training.augment.overview import overview
from graticule.training.augment.placing import draw_placement
from graticule.training.augment.visibility import noise_left
from graticule.training.batch import Crop
from graticule.training.distance import centre_distance
from graticule.training.examples import Example
from graticule.training.recipe import Augmentation

LEAST_AREA_PX = 4
"""Of what the crop's edge has left of an instance."""


def crop_of(
    example: Example, *, size: int, augmentation: Augmentation | None, seed: int, zoom: float = 1.0
) -> Crop:
    """Return a crop: the same for the same arguments, whatever was drawn before.

    Beyond the image lies its mirror image, whose particles are instances of their own. An
    instance of which the crop shows several pieces is several instances.

    Args:
        example: Labelled image.
        size: Edge of the crop, in pixels.
        augmentation: What may happen to it; if ``None``, the crop is the middle of the image
            as it is, or all of it, continued to the right and below as for a segmenter
            (:func:`graticule.models.learned.views.cut`).
        seed: Of all that is drawn, from 0.
        zoom: Magnification at which a segmenter sees the image; without effect on its middle.
    """
    rng = np.random.default_rng(seed)
    if augmentation is None:
        placement = _middle(example.labels.shape, size)
    else:
        placement = draw_placement(example.labels, size, augmentation, rng, zoom=zoom)
    image = warped(example.image, placement, size)
    labels = _instances(example, placement, size)
    if augmentation is not None:
        look = draw_look(augmentation, noise_left(image, labels), rng)
        image = look.taken(image, overview(example.image, placement))
    distance = centre_distance(labels) if example.parted else np.zeros(labels.shape, np.float32)
    return Crop(image=image, labels=labels, distance=distance, parted=example.parted)


def _middle(shape: tuple[int, ...], size: int) -> Placement:
    y, x = (max(length - size, 0) // 2 + size / 2 for length in shape)
    return Placement(centre=(y, x))


def _instances(example: Example, placement: Placement, size: int) -> Int32[np.ndarray, "e e"]:
    """Return the crop's labels: 1 … n, each one 8-connected piece."""
    seen = warped_labels(example.labels, placement, size)
    pieces = label(seen if example.parted else seen > 0, connectivity=2)  # type: ignore[no-untyped-call]
    areas = np.bincount(pieces.ravel())
    keep = np.arange(len(areas)) > 0
    for piece, owner in set(zip(_rim(pieces), _rim(seen), strict=True)):
        if areas[piece] < LEAST_AREA_PX:
            whole = np.count_nonzero(example.labels == owner) * placement.scale**2
            keep[piece] = keep[piece] and whole < LEAST_AREA_PX
    number = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return np.asarray(number[pieces])


def _rim(labels: np.ndarray) -> list[int]:
    """Return the labels of the outermost pixels, all round."""
    sides = labels[0], labels[-1], labels[:, 0], labels[:, -1]
    rim: list[int] = np.concatenate(sides).tolist()
    return rim
