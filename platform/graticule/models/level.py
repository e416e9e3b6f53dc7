"""Where to cut between particles and background in a smoothed frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from scipy import ndimage
from scipy.optimize import brentq
from skimage.filters import threshold_otsu

BINS = 256
FLOOR = 1.5
FALSE_SHARE = 0.2
LEAST_HEIGHT = 3.5
DOUBTFUL, CERTAIN = 0.65, 0.70
_HALF_NORMAL_QUARTILE = 0.31864
_OUTLIER_SPAN = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """Grey levels of one smoothed frame.

    Attributes:
        level: Particles lie beyond it.
        mode: Of the background.
        prominence: Every particle has a pixel that lies so far beyond ``mode``; 0 where
            particles stand out so well that this need not be asked.
        spread: Standard deviation of the background.
        between: Share of the variance between Otsu's two classes.
        lopsidedness: Squared skewness plus a quarter of the squared excess kurtosis: what is
            not noise about the distribution (the statistic of Jarque and Bera, per sample).
    """

    level: float
    mode: float
    prominence: float
    spread: float
    between: float
    lopsidedness: float


def cut_level(smooth: Float32[np.ndarray, "y x"], *, dark: bool, sigma_px: float) -> Level:
    """Return the level between particles and background.

    It is Otsu's (N. Otsu, IEEE Trans. SMC 9, 1979; 256 bins as in scikit-image). Where
    particles are few or faint, that falls into the noise, and the share of the variance
    between its two classes shows it: 2/pi = 0.64 for pure noise, above :data:`CERTAIN` for
    two populations. As it comes down to :data:`DOUBTFUL`, the level is held :data:`FLOOR`
    standard deviations of the background away from its mode, and :func:`prominent_height` of them
    are asked of every particle's strongest pixel. The background's spread is taken on the side
    of the mode where no particles are.

    Args:
        smooth: The frame, smoothed.
        dark: Whether particles are darker than the background.
        sigma_px: Of the Gaussian that smoothed it.
    """
    counts, edges = np.histogram(smooth, BINS, range=_grey_range(smooth))
    centres = (edges[:-1].astype(np.float64) + edges[1:]) / 2  # float32 squared over- and underflows
    otsu = float(threshold_otsu(hist=(counts.astype(np.float32), centres)))  # type: ignore[no-untyped-call]
    sign = -1.0 if dark else 1.0
    mode = float(centres[np.argmax(ndimage.gaussian_filter1d(counts.astype(float), 2.0))])
    away = -sign * (smooth - mode)
    away = away[away > 0]
    spread = float(np.quantile(away, 0.25)) / _HALF_NORMAL_QUARTILE if away.size else 0.0
    between = _between(counts, centres, otsu)
    doubt = float(np.clip((CERTAIN - between) / (CERTAIN - DOUBTFUL), 0, 1)) * spread
    level = sign * max(sign * otsu, sign * mode + FLOOR * doubt)
    height = 0.0
    if doubt > 0:
        tops = _tops(sign * (smooth - np.float32(mode)), LEAST_HEIGHT * spread) / spread
        height = prominent_height(tops, pixels=smooth.size, sigma_px=sigma_px)
    return Level(
        level=level,
        mode=mode,
        prominence=height * doubt,
        spread=spread,
        between=between,
        lopsidedness=_lopsidedness(counts, centres),
    )


def is_flat(smooth: Float32[np.ndarray, "y x"]) -> bool:
    """Return whether a smoothed frame's grey levels are too few, as floats, to be told apart.

    One pixel that differs by one in an empty 16-bit frame is smoothed away to that.
    """
    low, high = _grey_range(smooth)
    return high - low <= BINS * float(np.spacing(np.float32(max(abs(low), abs(high)))))


def prominent_height(
    tops: Float[np.ndarray, " n"], *, pixels: int, sigma_px: float, false_share: float = FALSE_SHARE
) -> float:
    """Return the height above which no more than ``false_share`` of the summits are noise.

    Smoothed white noise has on average ``pixels u exp(-u^2/2) / (2 sigma^2 (2 pi)^(3/2))``
    summits above a height u; what a frame has beyond that are particles. So a few particles
    must tower over all noise, and among many a fainter one is believed. :data:`LEAST_HEIGHT`
    at least; the height that noise hardly reaches if no summit passes.

    Args:
        tops: Heights of a frame's summits, in standard deviations of the background.
        pixels: Area of the frame.
        sigma_px: Of the Gaussian that smoothed it.
        false_share: Expected share of noise among the summits that pass.

    Source: R. J. Adler, The Geometry of Random Fields (1981), theorem 6.9.3; J. R. Chumbley and
    K. J. Friston, NeuroImage 44 (2009) 62, after Benjamini and Hochberg (1995).
    """
    cells = pixels / (2 * max(sigma_px, 0.5) ** 2 * (2 * np.pi) ** 1.5)
    heights = np.sort(tops[tops > LEAST_HEIGHT])[::-1]
    expected = cells * heights * np.exp(-(heights**2) / 2)
    passed = np.flatnonzero(expected <= false_share * np.arange(1, heights.size + 1))
    if passed.size == 0:
        return _height_of(false_share / cells)
    allowed = false_share * (int(passed[-1]) + 1)
    return _height_of(allowed / cells)


def _height_of(islands: float) -> float:
    """Return the height u above which ``u exp(-u^2/2)`` is ``islands``, and no less than the least."""
    if LEAST_HEIGHT * np.exp(-(LEAST_HEIGHT**2) / 2) <= islands:
        return LEAST_HEIGHT
    return float(brentq(lambda u: np.log(u / islands) - u**2 / 2, LEAST_HEIGHT, 40.0))


def _tops(away: Float32[np.ndarray, "y x"], least: float) -> Float[np.ndarray, " n"]:
    """Return the heights of the summits higher than ``least``."""
    summit = (away > least) & (away == ndimage.maximum_filter(away, size=3))
    return np.asarray(away[summit], np.float64)


def _grey_range(smooth: np.ndarray) -> tuple[float, float]:
    """Return the range to bin; not all of it where a few hot pixels would fill most bins."""
    low, high = float(smooth.min()), float(smooth.max())
    inner_low, inner_high = (float(v) for v in np.quantile(smooth[::2, ::2], [0.001, 0.999]))
    reach = _OUTLIER_SPAN * (inner_high - inner_low)
    return (low, high) if reach == 0 else (max(low, inner_low - reach), min(high, inner_high + reach))


def _between(counts: np.ndarray, centres: np.ndarray, level: float) -> float:
    """Return the share of the variance that lies between the classes on both sides of a level."""
    weights = counts / counts.sum()
    low = centres <= level
    share = float(weights[low].sum())
    mean = float(weights @ centres)
    variance = float(weights @ (centres - mean) ** 2)
    if not 0 < share < 1:
        return 0.0
    gap = float(weights[low] @ centres[low]) / share - mean
    return share / (1 - share) * gap**2 / variance


def _lopsidedness(counts: np.ndarray, centres: np.ndarray) -> float:
    weights = counts / counts.sum()
    centred = centres - weights @ centres
    variance = float(weights @ centred**2)
    skewness = float(weights @ centred**3) / variance**1.5
    excess_kurtosis = float(weights @ centred**4) / variance**2 - 3.0
    return float(skewness**2 + excess_kurtosis**2 / 4)
