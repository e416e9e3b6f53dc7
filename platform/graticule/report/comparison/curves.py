"""Loss and score by epoch, ours beside the paper's: Figures 3 and 4 of Duan et al. 2024."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from graticule.report.comparison.values import Curve

_COLOURS = ("#0077BB", "#EE7733", "#009988", "#CC3311", "#AA3377", "#555555", "#33BBEE", "#BBAA00")
_STYLES = ("-", "--")


def loss_figure(ours: Sequence[Curve], paper: Sequence[Curve]) -> Figure | None:
    """Return the losses on training (full) and test images (broken); ``None`` without any curve."""
    return _figure(ours, paper, [("loss", "test loss")], ["loss"], logarithmic=True)


def score_figure(ours: Sequence[Curve], paper: Sequence[Curve]) -> Figure | None:
    """Return IoU and Dice on images held out; ``None`` without any curve."""
    return _figure(ours, paper, [("iou",), ("dice",)], ["IoU", "Dice"], logarithmic=False)


def _figure(
    ours: Sequence[Curve],
    paper: Sequence[Curve],
    rows: Sequence[tuple[str, ...]],
    labels: Sequence[str],
    *,
    logarithmic: bool,
) -> Figure | None:
    drawn = {title: curves for title, curves in (("ours", ours), ("the paper's", paper)) if curves}
    if not drawn:
        return None
    figure = Figure(figsize=(4.4 * len(drawn) + 0.4, 2.9 * len(rows) + 0.3), dpi=150, layout="constrained")
    axes = figure.subplots(len(rows), len(drawn), squeeze=False)
    for line, (names, label) in zip(axes, zip(rows, labels, strict=True), strict=True):
        for axis, (title, curves) in zip(line, drawn.items(), strict=True):
            _draw(axis, curves, names)
            broken = " (broken: on test images)" if _has(curves, names[1:]) else ""
            axis.set_title(f"{label}, {title}{broken}", fontsize=9)
            axis.set_xlabel("epoch", fontsize=8)
            axis.set_ylabel(label, fontsize=8)
            axis.tick_params(labelsize=7)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            if logarithmic:
                axis.set_yscale("log")
            else:
                axis.set_ylim(_floor([*ours, *paper], names[0]), 1.005)  # ours and theirs alike
            axis.grid(alpha=0.25)
            axis.spines[["top", "right"]].set_visible(False)
            if axis.get_legend_handles_labels()[0]:
                below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "ncols": 2}
                axis.legend(fontsize=7, frameon=False, **below)
    return figure


def _has(curves: Sequence[Curve], names: Sequence[str]) -> bool:
    return any(name in curve.series for curve in curves for name in names)


def _floor(curves: Sequence[Curve], name: str) -> float:
    """Return where a score's axis begins: below the curves' later halves, where they differ."""
    later = [
        np.asarray(curve.series[name])[len(curve.epochs) // 2 :] for curve in curves if name in curve.series
    ]
    known = [float(np.nanmin(values)) for values in later if not np.isnan(values).all()]
    return max(0.0, min(known) - 0.1) if known else 0.0


def _draw(axis: Any, curves: Sequence[Curve], names: Sequence[str]) -> None:
    for number, curve in enumerate(curves):
        for name, style in zip(names, _STYLES, strict=False):
            if name in curve.series:
                few = len(curve.epochs) <= 40
                said = curve.name if style == "-" else None
                axis.plot(
                    curve.epochs, curve.series[name], style, color=_COLOURS[number % len(_COLOURS)],
                    linewidth=1.1, marker="." if few else None, markersize=4, label=said,
                )  # fmt: skip
