"""Where a crop lies on its image: turned, mirrored, magnified, in one resampling.

The image goes on beyond its border as its mirror image, as it does for a segmenter
(:func:`graticule.models.learned.views.cut`). Lengths are in pixels of the image, (y, x),
from its upper left corner: the first pixel's centre lies at (0.5, 0.5).
"""

from dataclasses import dataclass
from math import ceil, cos, pi, sin

import numpy as np
import torch
from jaxtyping import Float32, Int32
from torch.nn.functional import avg_pool2d, grid_sample

Points = Float32[np.ndarray, "e e"]
MOST_SAMPLES = 4
"""Along each edge of a pixel; a crop that shrinks its image further is aliased a little."""
_ALIASED = 0.15
"""By how much the image may shrink before each pixel is the mean of several samples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """What leads from pixels of a crop to points of the image.

    Attributes:
        centre: Of the crop.
        scale: Magnification: above 1, particles are larger in the crop than in the image.
        angle: Of the turn, in radians.
        flip: Whether the crop is mirrored.
    """

    centre: tuple[float, float]
    scale: float = 1.0
    angle: float = 0.0
    flip: bool = False

    @property
    def lattice(self) -> bool:
        """Whether every pixel of the crop can be one of the image."""
        return self.scale == 1 and float(self.angle / (pi / 2)).is_integer()

    def points(self, size: int, *, samples: int = 1) -> tuple[Points, Points]:
        """Return y and x of the pixels of a crop of ``size``, each in ``samples`` x ``samples`` parts."""
        steps = ((np.arange(size * samples) + 0.5) / samples - size / 2) / self.scale
        across = -steps if self.flip else steps
        cosine, sine = cos(self.angle), sin(self.angle)
        y = np.add.outer(self.centre[0] + cosine * steps, -sine * across)
        x = np.add.outer(self.centre[1] + sine * steps, cosine * across)
        return y.astype(np.float32), x.astype(np.float32)


def warped(image: Float32[np.ndarray, "y x"], placement: Placement, size: int) -> Float32[np.ndarray, "e e"]:
    """Return the crop of an image: bilinear, and where it shrinks the mean over each pixel."""
    if placement.lattice:
        return np.asarray(image[_pixels(placement.points(size), image.shape)])
    samples = min(max(1, ceil(1 / placement.scale - _ALIASED)), MOST_SAMPLES)
    y, x = placement.points(size, samples=samples)
    grid = np.stack([2 / image.shape[1] * x - 1, 2 / image.shape[0] * y - 1], axis=-1)
    seen = grid_sample(
        torch.from_numpy(np.require(image, requirements=["C", "W"]))[None, None],
        torch.from_numpy(grid)[None],
        mode="bilinear",
        padding_mode="reflection",
        align_corners=False,
    )
    return np.asarray(avg_pool2d(seen, samples)[0, 0].numpy())


def warped_labels(
    labels: Int32[np.ndarray, "y x"], placement: Placement, size: int
) -> Int32[np.ndarray, "e e"]:
    """Return the crop of a label image: of each pixel, the label at its centre."""
    return np.asarray(labels[_pixels(placement.points(size), labels.shape)])


def _pixels(points: tuple[Points, Points], shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns of the pixels in which points lie, mirrored back into the image."""
    rows, columns = (
        _mirrored(np.floor(along).astype(np.intp), length)
        for along, length in zip(points, shape, strict=True)
    )
    return rows, columns


def _mirrored(index: np.ndarray, length: int) -> np.ndarray:
    if index.min() >= 0 and index.max() < length:
        return index
    index = index % (2 * length)
    return np.asarray(np.minimum(index, 2 * length - 1 - index))
