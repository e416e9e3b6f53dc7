"""Whether two images are copies, or frames of one sequence, told from 16 x 16 pixels of each.

Correlation of thumbnails alone mistakes one microscope's illumination for likeness: of two
simulated movies with a strong gradient it is up to 0.98. So a paraboloid is fitted and taken
away. Measured then, in all turns and flips: unlike images up to 0.90 (emps), 0.34 (em4), 0.18
(simulated, strong gradient); consecutive frames 0.996 in the median (au750), and under heavy
noise 0.79 (simulated ``hard``), where the plain thumbnails still correlate by 0.995.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Num

EDGE = 16
SAME = 0.96
"""Least correlation of the thumbnails, flattened, turned and flipped in any way."""
SAME_PLAIN, SAME_REST = 0.995, 0.4
"""Or the least correlation of the plain thumbnails together with that of the flattened ones."""
_BLOCK = 1024
_SAMPLE_PIXELS = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Print:
    """What is kept of an image to know it again.

    Attributes:
        plain: Thumbnail of mean 0 and length 1; all 0 of blank and not finite images, which
            are like none.
        flat: The same without the paraboloid that fits it best.
    """

    plain: Float32[np.ndarray, "n"]
    flat: Float32[np.ndarray, "n"]


def print_of(pixels: Num[np.ndarray, "y x"]) -> Print:
    """Return an image's print. Its darkest and brightest half percent are cut, as hot pixels."""
    small = np.zeros(EDGE * EDGE)
    if np.isfinite(pixels).all():
        step = max(1, int(np.sqrt(pixels.size / _SAMPLE_PIXELS)))
        low, high = np.quantile(pixels[::step, ::step], [0.005, 0.995])
        if low == high:  # all but a few pixels are equal
            low, high = float(pixels.min()), float(pixels.max())
        if low < high:
            small = _thumbnail((np.clip(pixels, low, high) - low) / (high - low)).ravel()
    return Print(plain=_unit(small - small.mean()), flat=_unit(small - _SURFACES @ (_FIT @ small)))


def alike(first: Sequence[Print], second: Sequence[Print]) -> Iterator[tuple[int, int]]:
    """Yield the places of images in ``first`` and ``second`` that are alike."""
    if not first or not second:
        return
    turned = [_stack([_turn(other.flat, turn) for other in second]) for turn in range(8)]
    plain = _stack([other.plain for other in second])
    for start in range(0, len(first), _BLOCK):
        some = first[start : start + _BLOCK]
        flat = _stack([one.flat for one in some])
        found = _same_rest(flat, turned)
        rest = flat @ turned[0].T
        found |= (_stack([one.plain for one in some]) @ plain.T > SAME_PLAIN) & (rest > SAME_REST)
        for one, other in np.argwhere(found).tolist():
            yield start + one, other


def _same_rest(
    flat: Float32[np.ndarray, "a n"], turned: Sequence[Float32[np.ndarray, "b n"]]
) -> Bool[np.ndarray, "a b"]:
    best = flat @ turned[0].T
    for other in turned[1:]:
        np.maximum(best, flat @ other.T, out=best)
    return np.asarray(best > SAME)


def _thumbnail(image: np.ndarray) -> np.ndarray:
    """Return the means of 16 x 16 parts; of images smaller than that, parts repeat pixels."""
    for axis in (0, 1):
        length = image.shape[axis]
        starts = np.arange(EDGE) * length // EDGE
        counts = np.maximum(np.diff(np.append(starts, length)), 1)
        sums = np.add.reduceat(image, starts, axis=axis, dtype=np.float64)
        image = sums / np.expand_dims(counts, 1 - axis)
    return image


def _turn(flat: Float32[np.ndarray, "n"], turn: int) -> Float32[np.ndarray, "n"]:
    square = flat.reshape(EDGE, EDGE)
    return np.rot90(square.T if turn >= 4 else square, turn % 4).ravel()


def _unit(values: np.ndarray) -> Float32[np.ndarray, "n"]:
    length = float(np.linalg.norm(values))
    return (values / length if length > 1e-6 else np.zeros_like(values)).astype(np.float32)


def _stack(values: Sequence[np.ndarray]) -> Float32[np.ndarray, "k n"]:
    return np.stack(values)


def _surfaces() -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : EDGE * 1j, -1 : 1 : EDGE * 1j]
    return np.stack([part.ravel() for part in (np.ones_like(x), x, y, x * x, x * y, y * y)], axis=1)


_SURFACES = _surfaces()
_FIT = np.linalg.pinv(_SURFACES)
