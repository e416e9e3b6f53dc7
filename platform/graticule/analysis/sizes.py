"""Sizes of the population: by frame, and as distributions by period.

Give only particles whose whole outline is in view: a size cut by the border is no size.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from jaxtyping import Float, Int

_Z95 = 1.959964


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SizeSeries:
    """Size statistics of each frame; NaN where a frame has no particle.

    ``mean_error`` is the standard error of the mean (NaN below two particles);
    ``median_low`` … ``median_high`` holds the median with 95 % confidence.
    """

    count: Int[np.ndarray, " t"]
    mean: Float[np.ndarray, " t"]
    mean_error: Float[np.ndarray, " t"]
    median: Float[np.ndarray, " t"]
    median_low: Float[np.ndarray, " t"]
    median_high: Float[np.ndarray, " t"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SizeDistribution:
    """Histograms of one size for each of some periods.

    ``density`` integrates to 1 over ``edges`` (0 where a period is empty); ``error`` is
    its standard error from counting statistics; ``count`` is the number of sizes.
    """

    edges: Float[np.ndarray, " edges"]
    density: Float[np.ndarray, "periods bins"]
    error: Float[np.ndarray, "periods bins"]
    count: Int[np.ndarray, " periods"]


def sizes_by_frame(frame: Int[np.ndarray, " n"], size: Float[np.ndarray, " n"], *, frames: int) -> SizeSeries:
    """Return mean and median of ``size`` in each of ``frames`` frames.

    The interval of the median is that between order statistics, free of assumptions on
    the distribution. Source: W. J. Conover, Practical Nonparametric Statistics, 3.2.
    """
    order = np.lexsort((size, frame))
    sizes, count = size[order], np.bincount(frame, minlength=frames)
    first = np.cumsum(count) - count
    mean = _ratio(np.bincount(frame, size, frames), count)
    squares = np.bincount(frame, (size - mean[frame]) ** 2, frames)
    half = _Z95 * np.sqrt(count) / 2
    low = np.floor(count / 2 - half).astype(np.int64) - 1
    high = np.ceil(count / 2 + half).astype(np.int64)
    middle = [_ranked(sizes, first, count, rank) for rank in ((count - 1) // 2, count // 2)]
    return SizeSeries(
        count=count,
        mean=mean,
        mean_error=np.sqrt(_ratio(squares, (count - 1) * count)),
        median=(middle[0] + middle[1]) / 2,
        median_low=_ranked(sizes, first, count, low),
        median_high=_ranked(sizes, first, count, high),
    )


def size_distribution(
    period: Int[np.ndarray, " n"],
    track: Int[np.ndarray, " n"],
    size: Float[np.ndarray, " n"],
    *,
    periods: int,
) -> SizeDistribution:
    """Return the distribution of sizes in each period, every track counted once.

    A track counts with its mean size in the period, so that the entries of a histogram
    are independent. Bins are equal, of a 1-2-5 width near that of Freedman and Diaconis
    (Z. Wahrscheinlichkeitstheorie 57 (1981) 453).
    """
    period, size = _once_per_track(period, track, size)
    edges = _bin_edges(size)
    bins = len(edges) - 1
    place = np.clip(np.searchsorted(edges, size, side="right") - 1, 0, bins - 1)
    counts = np.bincount(period * bins + place, minlength=periods * bins).reshape(periods, bins)
    total = counts.sum(axis=1)
    scale = _ratio(np.ones(periods), total * (edges[1] - edges[0]))
    scale = np.nan_to_num(scale)[:, None]
    return SizeDistribution(edges=edges, density=counts * scale, error=np.sqrt(counts) * scale, count=total)


def nice_step(length: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not above ``length`` > 0."""
    power = 10.0 ** np.floor(np.log10(length))
    return float(max(step * power for step in (1.0, 2.0, 5.0) if step * power <= length * (1 + 1e-9)))


def _ratio(above: np.ndarray, below: np.ndarray) -> Float[np.ndarray, " t"]:
    ratio: np.ndarray = np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)
    return ratio


def _ranked(sizes: np.ndarray, first: np.ndarray, count: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Return the size of ``rank`` within each frame, the nearest there is; NaN of none."""
    if not len(sizes):
        return np.full(len(count), np.nan)
    place = first + np.clip(rank, 0, np.maximum(count - 1, 0))
    return np.where(count > 0, sizes[np.minimum(place, len(sizes) - 1)], np.nan)


def _once_per_track(period: np.ndarray, track: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((track, period))
    fresh = (np.diff(period[order], prepend=-1) != 0) | (np.diff(track[order], prepend=-1) != 0)
    first = np.flatnonzero(fresh)
    if not len(first):
        return period, size
    share = np.diff(np.append(first, len(order)))
    return period[order][first], np.add.reduceat(size[order], first) / share


def _bin_edges(sizes: np.ndarray) -> Float[np.ndarray, " edges"]:
    if not len(sizes):
        return np.array([0.0, 1.0])
    low, q1, q3, high = np.quantile(sizes, [0, 0.25, 0.75, 1])
    width = 2 * (q3 - q1) / len(sizes) ** (1 / 3) or sqrt(high) / 10
    width = nice_step(1.6 * float(np.clip(width, (high - low) / 30 or high / 10, max(high / 6, 1e-12))))
    start, stop = np.floor(low / width), np.floor(high / width) + 1
    return np.arange(start, stop + 1) * width
