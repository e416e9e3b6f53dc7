"""How sure a mean over images is."""

from collections.abc import Sequence

import numpy as np

from graticule.core.errors import ConfigError, InputError


def bootstrap_interval(
    values: Sequence[float], *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean over images.

    Images are drawn with replacement: they are the independent samples, not the particles
    in them. A single image gives an interval without width, which says nothing.

    Source: B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.

    Raises:
        InputError: If there are no values.
        ConfigError: If ``confidence`` is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"a confidence lies between 0 and 1, got {confidence}")
    if not len(values):
        raise InputError("no images to take an interval over")
    sample = np.asarray(values, np.float64)
    rng = np.random.default_rng(seed)
    draws = (sample[rng.integers(0, sample.size, sample.size)].mean() for _ in range(resamples))
    means = np.fromiter(draws, np.float64, resamples)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
