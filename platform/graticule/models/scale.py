"""How large the particles of a movie are, and whether they are dark or bright.

A blob filter (Laplacian of Gaussian) answers to compact bodies of its own size with a few
strong values of one sign, to noise with values of both signs alike. So the scale at which
its answers are most lopsided is the particles', and the side on which they lie tells dark
from bright. Noise without any particles has no lopsided scale.

Source: scale selection by the normalised Laplacian, T. Lindeberg, Int. J. Comput. Vision 30 (1998).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32
from scipy import ndimage

Polarity = Literal["dark", "bright"]
SCALES_PX = 2.0 ** (np.arange(15) / 2)
_WIDEST_SHARE = 1 / 20
_COARSEN_ABOVE = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a movie's particles look like: a blob scale (radius / sqrt 2) and a polarity."""

    scale_px: float
    polarity: Polarity


def look_of(frames: Sequence[Float32[np.ndarray, "y x"]], *, polarity: Polarity | None = None) -> Look | None:
    """Return how the particles in some frames look, ``None`` if nothing stands out of the noise.

    Args:
        frames: Finite sample frames of one shape.
        polarity: The polarity, where it is known.
    """
    if not frames or min(frames[0].shape) < 16:
        return None
    skew, spread = (np.mean(values, axis=0) for values in zip(*map(_answers, frames), strict=True))
    sign = {None: 1.0, "dark": 1.0, "bright": -1.0}[polarity]
    lopsided = np.abs(skew) if polarity is None else sign * skew
    uncertainty = np.sqrt(24 * np.pi / frames[0].size) * SCALES_PX
    strength = np.maximum(lopsided - uncertainty, 0) * np.sqrt(spread * SCALES_PX)
    strength[max(1.0, _WIDEST_SHARE * min(frames[0].shape)) < SCALES_PX] = 0
    best = int(np.argmax(strength))
    if strength[best] == 0:
        return None
    found: Polarity = polarity or ("dark" if skew[best] > 0 else "bright")
    return Look(scale_px=float(SCALES_PX[best]), polarity=found)


def _answers(frame: Float32[np.ndarray, "y x"]) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, " s"]]:
    """Return skewness and standard deviation of the normalised Laplacian at each scale."""
    skew, spread = np.zeros(SCALES_PX.size), np.zeros(SCALES_PX.size)
    image, binning = frame, 1
    for k, scale in enumerate(SCALES_PX):
        while scale / binning > _COARSEN_ABOVE and min(image.shape) >= 64:
            image = ndimage.gaussian_filter(image, 1.0, mode="nearest")[::2, ::2]
            binning *= 2
        sigma = scale / binning
        answer = sigma**2 * ndimage.gaussian_laplace(image, sigma, mode="nearest")
        skew[k], spread[k] = _moments(_without_rim(answer, int(2 * sigma)))
    return skew, spread


def _without_rim(answer: np.ndarray, rim: int) -> np.ndarray:
    return answer[rim:-rim, rim:-rim] if rim and min(answer.shape) > 6 * rim else answer


def _moments(values: np.ndarray) -> tuple[float, float]:
    centred = values.astype(np.float64) - values.mean(dtype=np.float64)
    spread = float(np.sqrt(np.mean(centred**2)))
    return (float(np.mean(centred**3)) / spread**3 if spread > 0 else 0.0), spread
