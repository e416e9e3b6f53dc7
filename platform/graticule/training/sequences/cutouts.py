"""Objects cut out of a labelled image, and what is left without them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int32
from scipy import ndimage

from graticule.core.window import Box
from graticule.training.augment.visibility import noise_of

_SOFT_PX = 0.7
_RIM_PX = 3
_HALO_PX = 5
_TRUNCATE = 2.5


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cutout:
    """An object, cut out.

    Attributes:
        number: Of the object.
        corner: Where its box begins, (y, x).
        mask: Its pixels in the box.
        alpha: How much of the picture is the object's: a soft rim reaches outward.
        grey: The picture in the box.
        is_whole: Whether it lies within the image, not at its edge.
    """

    number: int
    corner: tuple[int, int]
    mask: Bool[np.ndarray, "y x"]
    alpha: Float32[np.ndarray, "y x"]
    grey: Float32[np.ndarray, "y x"]
    is_whole: bool

    def covers(self, truth: Int32[np.ndarray, "e e"], moved: tuple[int, int]) -> float:
        """Return the share of the object that, moved by (y, x), lies on others."""
        there, own = self._boxes(truth.shape, moved)
        return np.count_nonzero(truth[there][self.mask[own]]) / np.count_nonzero(self.mask)

    def paste(
        self, picture: Float32[np.ndarray, "e e"], truth: Int32[np.ndarray, "e e"], moved: tuple[int, int]
    ) -> None:
        """Draw the object, moved by (y, x), on a picture and its truth."""
        there, own = self._boxes(truth.shape, moved)
        picture[there] += self.alpha[own] * (self.grey[own] - picture[there])
        truth[there][self.mask[own]] = self.number

    def _boxes(self, shape: tuple[int, ...], moved: tuple[int, int]) -> tuple[Box, Box]:
        """Return where in the picture the box lies when moved, and which part of it is in the picture."""
        there, own = [], []
        for corner, by, edge, length in zip(self.corner, moved, self.mask.shape, shape, strict=True):
            start = corner + by
            low, high = min(max(start, 0), length), min(max(start + edge, 0), length)
            there.append(slice(low, high))
            own.append(slice(low - start, high - start))
        return (there[0], there[1]), (own[0], own[1])


def cut_out(grey: Float32[np.ndarray, "e e"], ids: Int32[np.ndarray, "e e"]) -> list[Cutout]:
    """Return the objects of an image, in the order of their numbers."""
    found = enumerate(ndimage.find_objects(ids), start=1)
    return [_cut_out(grey, ids, number, box) for number, box in found if box is not None]


def without(
    grey: Float32[np.ndarray, "e e"],
    ids: Int32[np.ndarray, "e e"],
    *,
    diameter: float,
    rng: np.random.Generator,
) -> Float32[np.ndarray, "e e"]:
    """Return the image without its objects: what is around them goes on, with noise as it has.

    Args:
        grey: Grey levels.
        ids: Objects.
        diameter: Of typical ones, in pixels.
        rng: Of the noise.
    """
    bare = (ndimage.maximum_filter(ids, _HALO_PX) == 0).astype(np.float32)
    if not bare.any():
        return np.full_like(grey, float(grey.max()))
    filled, known = np.zeros_like(grey), np.zeros_like(grey)
    for reach, coarse in ((diameter / 4, 1), (diameter, 4), (4 * diameter, 8)):
        weight = _spread(bare, reach, coarse)
        mean = _spread(grey * bare, reach, coarse) / np.maximum(weight, 1e-6)
        share = np.clip(weight * 8, 0, 1) * (1 - known)
        filled, known = filled + share * mean, known + share
    filled += (1 - known) * float((grey * bare).sum() / bare.sum())
    filled += rng.normal(0, noise_of(grey), grey.shape).astype(np.float32)
    return np.where(bare > 0, grey, filled).astype(np.float32)


def _cut_out(
    grey: Float32[np.ndarray, "e e"], ids: Int32[np.ndarray, "e e"], number: int, box: Box
) -> Cutout:
    rows, columns = (slice(max(side.start - _RIM_PX, 0), side.stop + _RIM_PX) for side in box)
    mask = ids[rows, columns] == number
    return Cutout(
        number=number,
        corner=(rows.start, columns.start),
        mask=mask,
        alpha=np.clip(2 * ndimage.gaussian_filter(mask.astype(np.float32), _SOFT_PX), 0, 1),
        grey=grey[rows, columns],
        is_whole=all(side.start > 0 and side.stop < len(ids) for side in box),
    )


def _spread(image: Float32[np.ndarray, "e e"], reach: float, coarse: int) -> Float32[np.ndarray, "e e"]:
    """Return an image under a Gaussian, computed on pixels ``coarse`` times as wide."""
    edge = len(image)
    padded = np.pad(image, (0, -edge % coarse), mode="edge")
    blocks = padded.reshape(len(padded) // coarse, coarse, -1, coarse).mean((1, 3))
    wide = ndimage.gaussian_filter(blocks, reach / coarse, truncate=_TRUNCATE)
    return np.asarray(wide.repeat(coarse, 0).repeat(coarse, 1)[:edge, :edge])
