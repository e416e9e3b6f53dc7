"""The figures of the page: series against time, and the few numbers on top."""

from dataclasses import dataclass

import numpy as np

from graticule.analysis.kinetics import Coarsening, coarsening, drift_summary, number_density
from graticule.analysis.sizes import SizeDistribution, SizeSeries, size_distribution, sizes_by_frame
from graticule.report.charts import Series, histogram_chart, line_chart
from graticule.report.findings import Findings

_MOST_PERIODS = 3


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Numbers:
    """What is computed once for the page; sizes are diameters in the findings' unit."""

    sizes: SizeSeries
    distribution: SizeDistribution
    periods: tuple[str, ...]
    growth: Coarsening


def numbers_of(findings: Findings) -> Numbers:
    """Measure sizes (whole particles only: none that the border cuts) and growth."""
    particles, frames = findings.particles, len(findings.time)
    whole = ~particles["touches_border"].astype(bool)
    place = particles["place"][whole]
    size = particles["equivalent_diameter_px"][whole] * findings.units.per_px
    sizes = sizes_by_frame(place, size, frames=frames)
    periods = min(_MOST_PERIODS, frames)
    distribution = size_distribution(
        place * periods // frames, particles["track"][whole], size, periods=periods
    )
    return Numbers(
        sizes=sizes,
        distribution=distribution,
        periods=_period_names(findings, periods),
        growth=coarsening(findings.time, sizes.mean / 2, sizes.mean_error / 2),
    )


def tiles(findings: Findings, numbers: Numbers) -> list[tuple[str, str, str]]:
    """Return (what, value, remark) for the numbers on top of the page."""
    count, unit = findings.frames["particles"], findings.units
    events = {kind: len(findings.of_kind(kind)) for kind in ("merge", "split", "appear", "vanish")}
    lengths = findings.track_length
    return [
        ("particles per frame", _from_to(count), _density(findings)),
        (
            "tracks",
            f"{len(lengths):,}",
            f"median length {np.median(lengths):.0f} frames" if len(lengths) else "",
        ),
        ("merges", f"{events['merge']:,}", f"{events['split']:,} splits"),
        ("appear / vanish", f"{events['appear']:,} / {events['vanish']:,}", _at_border(findings)),
        ("mean diameter", _mean_diameter(numbers.sizes, unit.length), "whole particles, ± standard error"),
        ("coverage", _from_to(100 * findings.frames["coverage"], digits=1) + " %", "of the field of view"),
        ("drift", *_drift(findings)),
        ("coarsening exponent n", *_growth(numbers.growth, unit.time)),
    ]


def figures(findings: Findings, numbers: Numbers) -> list[tuple[str, str, str]]:
    """Return (title, SVG, note) of every chart."""
    time, unit = findings.time, findings.units
    x_label = "time (s)" if unit.time == "s" else "frame"
    frames, sizes = findings.frames, numbers.sizes
    merges = (
        np.bincount([e["place"] for e in findings.of_kind("merge")], minlength=len(time))
        if len(time)
        else time
    )
    drift = [Series(name=axis, y=frames[f"drift_{axis}_px"] * unit.per_px) for axis in "yx"]
    diameter = [
        Series(
            name="mean",
            y=sizes.mean,
            low=sizes.mean - 1.96 * sizes.mean_error,
            high=sizes.mean + 1.96 * sizes.mean_error,
        ),
        Series(name="median", y=sizes.median, low=sizes.median_low, high=sizes.median_high),
    ]
    count = Series(name="particles", y=frames["particles"].astype(float), step=True)
    coverage = Series(name="coverage", y=100 * frames["coverage"])
    total = Series(name="merges", y=np.cumsum(merges).astype(float), step=True)
    return [
        (
            "Number of particles",
            line_chart(time, [count], x_label=x_label, y_label="particles", from_zero=True),
            "",
        ),
        (
            "Equivalent diameter",
            line_chart(time, diameter, x_label=x_label, y_label=f"diameter ({unit.length})"),
            "Bands: 95 % confidence (mean ± 1.96 standard errors; median by order statistics).",
        ),
        (
            "Size distribution by time",
            histogram_chart(
                numbers.distribution,
                numbers.periods,
                x_label=f"diameter ({unit.length})",
                y_label=f"probability density (1/{unit.length})",
            ),
            "Each track counts once per period, with its mean diameter there. In brackets: tracks.",
        ),
        (
            "Coverage",
            line_chart(time, [coverage], x_label=x_label, y_label="coverage (%)", from_zero=True),
            "",
        ),
        (
            "Merges so far",
            line_chart(time, [total], x_label=x_label, y_label="merges", from_zero=True),
            "Dated to the first frame of lasting contact in projection.",
        ),
        (
            "Drift of the specimen",
            line_chart(time, drift, x_label=x_label, y_label=f"position ({unit.length})"),
            "Relative to the first frame; y points down.",
        ),
    ]


def _period_names(findings: Findings, periods: int) -> tuple[str, ...]:
    time, frames = findings.time, len(findings.time)
    particles = findings.particles
    whole = ~particles["touches_border"].astype(bool)
    period = particles["place"][whole] * periods // frames
    names = []
    for index in range(periods):
        first = -(-index * frames // periods)
        last = -(-(index + 1) * frames // periods) - 1
        tracks = len(np.unique(particles["track"][whole][period == index]))
        span = f"{time[first]:.6g} to {time[last]:.6g}"
        named = f"{span} s" if findings.units.time == "s" else f"frames {span}"
        names.append(f"{named} ({tracks})")
    return tuple(names)


def _from_to(values: np.ndarray, *, digits: int = 0) -> str:
    if not len(values):
        return "0"
    first, last = f"{values[0]:,.{digits}f}", f"{values[-1]:,.{digits}f}"
    return first if len(values) == 1 else f"{first} → {last}"


def _density(findings: Findings) -> str:
    if findings.units.length != "nm":
        return ""
    height, width = findings.experiment.shape[1:]
    field_um2 = height * width * findings.units.per_px**2 / 1e6
    density, error = number_density(findings.frames["particles"][-1:].astype(np.int64), field_area=field_um2)
    return f"at the end {_with_error(float(density[0]), float(error[0]))} per µm²"


def _at_border(findings: Findings) -> str:
    kinds = ("appear", "vanish")
    share = sum(event["at_border"] for event in findings.events if event["kind"] in kinds)
    return f"{share:,} of them at the border"


def _mean_diameter(sizes: SizeSeries, unit: str) -> str:
    seen = np.flatnonzero(np.isfinite(sizes.mean))
    if not len(seen):
        return "none"
    ends = seen[[0, -1]] if len(seen) > 1 else seen
    parts = [_with_error(float(sizes.mean[place]), float(sizes.mean_error[place])) for place in ends]
    return f"{' → '.join(parts)} {unit}"


def _with_error(value: float, error: float) -> str:
    """Return a value with its error, both to the error's second digit."""
    if not np.isfinite(error) or error <= 0:
        return f"{value:.3g}"
    digits = 1 - int(np.floor(np.log10(error)))
    value, error, shown = round(value, digits), round(error, digits), max(0, digits)
    return f"{value:,.{shown}f} ± {error:,.{shown}f}"


def _drift(findings: Findings) -> tuple[str, str]:
    unit, time = findings.units, findings.time
    duration = float(time[-1] - time[0]) if len(time) else 0.0
    drift = drift_summary(findings.drift * unit.per_px, duration=duration)
    return (
        f"{drift.net:.3g} {unit.length}",
        f"net; {drift.speed:.2g} {unit.length}/{unit.time} along its path",
    )


def _growth(growth: Coarsening, unit: str) -> tuple[str, str]:
    if not growth.determined:
        return "not determined", growth.reason
    return _with_error(
        growth.exponent, growth.exponent_error
    ), f"R = R₀(1 + t/τ)^(1/n), τ = {growth.onset:.2g} {unit}"
