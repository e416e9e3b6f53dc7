"""Choose the threshold's options for a movie from a few of its frames, without any labels.

The particles' blob scale ``s`` (radius / sqrt 2) and polarity come from :mod:`.scale`. Then

- *blur*: the least that brings the noise under 11 % of the contrast, at most ``s / 4``, so
  that outlines stay where they are;
- *background*: a Gaussian of ``4 s``, wide enough not to hollow the particles out, within
  8 … 64 px; none where the illumination varies by less than 7 % of the contrast, since a
  background bends outlines a little;
- *least diameter*: ``s / 2``, a sixth of a typical particle's, and 3 px at least.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import Bool, Float32, Num
from scipy import ndimage

from graticule.models.filters import band_pass, blur
from graticule.models.level import cut_level, is_flat
from graticule.models.scale import Look, Polarity, look_of

SAMPLES = 5
CROP_PX = 1024
NOISE_CROP_PX = 512
QUIET = 0.11
EVEN = 0.07
LEAST_SIGMA_PX = 0.7
_UNKNOWN = Look(scale_px=4.0, polarity="dark")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """Options that fit a movie, lengths in pixels."""

    sigma_px: float
    background_px: float | None
    polarity: Polarity
    min_diameter_px: float
    margin_px: int


def usable(frames: Iterable[Num[np.ndarray, "y x"]]) -> list[Float32[np.ndarray, "y x"]]:
    """Return the middle of the first few frames that are finite and not blank."""
    crops = (_middle(frame) for frame in frames)
    return list(islice((crop for crop in crops if np.isfinite(crop).all() and np.ptp(crop) > 0), SAMPLES))


def resolve_polarity(frames: Iterable[Num[np.ndarray, "y x"]]) -> Polarity:
    """Return whether the particles are darker or brighter than their surroundings; dark if in doubt."""
    return (look_of(usable(frames)) or _UNKNOWN).polarity


def fit(frames: Iterable[Num[np.ndarray, "y x"]], *, polarity: Polarity | None = None) -> Fit:
    """Return the options that fit a movie.

    Args:
        frames: A few frames of it; blank ones and those with NaN are passed over.
        polarity: The polarity, where the user has said it.
    """
    crops = usable(frames)
    look = look_of(crops, polarity=polarity)
    if look is None:
        look = _UNKNOWN if polarity is None else Look(scale_px=_UNKNOWN.scale_px, polarity=polarity)
    background = float(np.clip(4 * look.scale_px, 8, 64))
    widest = max(LEAST_SIGMA_PX, look.scale_px / 4)
    seen = [_Sample.of(crop, widest, background, dark=look.polarity == "dark") for crop in crops[::2]]
    uneven = float(np.mean([sample.unevenness(background) for sample in seen])) if seen else 0.0
    return Fit(
        sigma_px=round(_quiet_sigma(seen, widest), 3),
        background_px=round(background, 3) if uneven > EVEN else None,
        polarity=look.polarity,
        min_diameter_px=round(max(3.0, look.scale_px / 2), 3),
        margin_px=int(np.clip(round(4 * look.scale_px), 64, 256)),
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Sample:
    """A frame with a first guess at its particles, and their contrast in grey levels."""

    frame: Float32[np.ndarray, "y x"]
    particles: Bool[np.ndarray, "y x"]
    contrast: float

    @classmethod
    def of(cls, frame: np.ndarray, sigma: float, background: float, *, dark: bool) -> "_Sample":
        smooth = band_pass(frame, sigma_px=sigma, background_px=background)
        if is_flat(smooth):
            return cls(frame=frame, particles=np.zeros(frame.shape, bool), contrast=1.0)
        level = cut_level(smooth, dark=dark, sigma_px=sigma).level
        particles = smooth < level if dark else smooth > level
        inside, outside = smooth[particles], smooth[~particles]
        contrast = abs(float(inside.mean() - outside.mean())) if inside.size and outside.size else 0.0
        return cls(frame=frame, particles=particles, contrast=contrast or 1.0)

    def noise(self, sigma: float) -> float:
        """Return what noise a blur leaves, as a share of the contrast."""
        frame = _middle(self.frame, NOISE_CROP_PX)
        rest = blur(frame, sigma) - blur(frame, 2 * sigma)
        return 1.4826 * float(np.median(np.abs(rest - np.median(rest)))) / self.contrast

    def unevenness(self, background: float) -> float:
        """Return how the illumination between the particles varies, as a share of the contrast."""
        free = ~ndimage.binary_dilation(self.particles, iterations=2)
        weight = blur(free.astype(np.float32), background)
        trend = blur(np.where(free, self.frame, 0).astype(np.float32), background) / np.maximum(weight, 0.05)
        return float(trend[free].std()) / self.contrast if free.any() else 0.0


def _quiet_sigma(seen: list[_Sample], widest: float) -> float:
    steps = LEAST_SIGMA_PX * 2.0 ** (np.arange(20) / 2)
    for sigma in steps[steps < widest].tolist():
        if seen and np.mean([sample.noise(sigma) for sample in seen]) <= QUIET:
            return float(sigma)
    return widest


def _middle(frame: np.ndarray, edge: int = CROP_PX) -> np.ndarray:
    y, x = (max(0, (extent - edge) // 2) for extent in frame.shape)
    return np.asarray(frame[y : y + edge, x : x + edge], np.float32)
