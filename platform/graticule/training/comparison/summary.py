"""Figures of images -> rows of a table: means with intervals, and differences to the threshold."""

from collections.abc import Callable, Sequence
from statistics import median

import numpy as np

from graticule.evaluation.intervals import bootstrap_interval
from graticule.report.comparison.values import METRICS, Mean, Row, Speed
from graticule.training.comparison.entrants import BASELINE
from graticule.training.comparison.measure import Measured
from graticule.training.comparison.scores import ImageScores

RESAMPLES = 2000
Values = dict[str, dict[int, float]]
"""Metric -> image -> value."""


def rows_of_set(measured: Sequence[Measured], number: int) -> list[Row]:
    """Return a row per entrant for one data set."""
    base = _baseline(measured)
    return [
        _row(each, lambda m: _values(m.scores[number]), lambda m: m.scores[number], base) for each in measured
    ]


def rows_of_all(measured: Sequence[Measured]) -> list[Row]:
    """Return a row per entrant over all data sets: the mean of their means.

    Each data set counts the same, however many images it has. An interval comes from drawing
    images within data sets. Speed and pixels are those of all images together.
    """
    base = _baseline(measured)
    sets = len(base.scores) if base is not None else 0
    return [
        _with_means(
            each,
            [image for images in each.scores for image in images],
            {
                metric: _over_sets([_values(images).get(metric, {}) for images in each.scores])
                for metric in METRICS
            },
            {
                metric: _over_sets(
                    [
                        _less(_values(each.scores[n]), _values(base.scores[n])).get(metric, {})
                        for n in range(sets)
                    ]
                )
                for metric in METRICS
            }
            if base is not None and each is not base
            else {},
        )
        if not each.trouble
        else _troubled(each)
        for each in measured
    ]


def _row(
    each: Measured,
    values: Callable[[Measured], Values],
    images: Callable[[Measured], Sequence[ImageScores]],
    base: Measured | None,
) -> Row:
    if each.trouble:
        return _troubled(each)
    means = {metric: mean_of(list(by_image.values())) for metric, by_image in values(each).items()}
    differences = {}
    if base is not None and each is not base:
        apart = _less(values(each), values(base))
        differences = {metric: mean_of(list(by_image.values())) for metric, by_image in apart.items()}
    return _with_means(each, images(each), means, differences)


def _with_means(
    each: Measured,
    images: Sequence[ImageScores],
    means: "dict[str, Mean | None] | dict[str, Mean]",
    differences: "dict[str, Mean | None] | dict[str, Mean]",
) -> Row:
    return Row(
        name=each.entrant.name,
        resolution_px=each.resolution_px,
        parameters=each.parameters,
        speed=_speed(images),
        memory_bytes=each.memory_bytes,
        means={metric: mean for metric, mean in means.items() if mean is not None},
        differences={metric: mean for metric, mean in differences.items() if mean is not None},
    )


def _speed(images: Sequence[ImageScores]) -> Speed:
    timed = [(image.seconds, image.pixels) for image in images if image.seconds is not None]
    return Speed(
        images_per_s=1 / median(seconds for seconds, _ in timed),
        pixels_per_s=median(pixels / seconds for seconds, pixels in timed),
    )


def _troubled(each: Measured) -> Row:
    return Row(name=each.entrant.name, trouble=each.trouble)


def _baseline(measured: Sequence[Measured]) -> Measured | None:
    return next((m for m in measured if m.entrant.network == BASELINE and not m.trouble), None)


def _values(images: Sequence[ImageScores]) -> Values:
    return {
        metric: {image.place: image.metrics[metric] for image in images if metric in image.metrics}
        for metric in METRICS
        if any(metric in image.metrics for image in images)
    }


def _less(ours: Values, theirs: Values) -> Values:
    """Return differences image by image; all entrants have seen the same images."""
    return {
        metric: {place: value - theirs[metric][place] for place, value in by_image.items()}
        for metric, by_image in ours.items()
    }


def mean_of(values: Sequence[float]) -> Mean:
    """Return the mean over images, or movies, with its interval."""
    low, high = bootstrap_interval(values, resamples=RESAMPLES)
    return Mean(value=float(np.mean(values)), low=low, high=high)


def _over_sets(sets: Sequence[dict[int, float]]) -> Mean | None:
    """Return the mean over the data sets that have a metric; ``None`` if none has."""
    known = [np.array(list(by_image.values())) for by_image in sets if by_image]
    if not known:
        return None
    rng = np.random.default_rng(0)
    draws = [values[rng.integers(0, values.size, (RESAMPLES, values.size))].mean(axis=1) for values in known]
    low, high = np.quantile(np.mean(draws, axis=0), [0.025, 0.975])
    return Mean(value=float(np.mean([values.mean() for values in known])), low=float(low), high=float(high))
