"""Masks side by side, with what is wrong in colour: Figure 5 of Duan et al. 2024."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Integer, UInt8
from matplotlib.figure import Figure

from graticule.report.comparison.values import Panel

HIT, MISSED, TOO_MUCH = (225, 225, 225), (51, 154, 255), (255, 94, 58)
_BACKGROUND, _BETWEEN = (24, 24, 28), (120, 120, 128)
_INCH = 2.05
_MOST_COLUMNS = 6


def errors(
    found: Integer[np.ndarray, "y x"], truth: Integer[np.ndarray, "y x"]
) -> UInt8[np.ndarray, "y x 3"]:
    """Return a picture of an answer: right in grey, missed in blue, too much in orange.

    A darker grey runs where two labels meet, so that joined particles can be told from parted ones.
    """
    mine, true = found > 0, truth > 0
    canvas = np.full((*found.shape, 3), _BACKGROUND, np.uint8)
    canvas[mine & true] = HIT
    canvas[_meeting(found) & true] = _BETWEEN
    canvas[~mine & true] = MISSED
    canvas[mine & ~true] = TOO_MUCH
    return canvas


def masks_figure(panels: Sequence[Panel]) -> Figure:
    """Return each image with its truth and every entrant's answer, in rows of at most six."""
    cells = [_cells(panel) for panel in panels]
    columns = min(_MOST_COLUMNS, max(len(row) for row in cells))
    lines = [row[at : at + columns] for row in cells for at in range(0, len(row), columns)]
    tall = max(panel.image.shape[0] / panel.image.shape[1] for panel in panels)
    height = (_INCH * min(max(tall, 0.5), 1.6) + 0.35) * len(lines)
    figure = Figure(figsize=(_INCH * columns, height), dpi=150, layout="constrained")
    axes = figure.subplots(len(lines), columns, squeeze=False)
    for line, row in zip(axes, lines, strict=True):
        for axis in line:
            axis.set_axis_off()
        for axis, (title, picture) in zip(line, row, strict=False):
            grey = {"cmap": "gray", "vmin": 0.0, "vmax": 1.0} if picture.ndim == 2 else {}
            axis.imshow(picture, interpolation="antialiased", **grey)
            axis.set_title(title, fontsize=7, pad=3)
    return figure


def _cells(panel: Panel) -> list[tuple[str, np.ndarray]]:
    truth = errors(panel.truth, panel.truth)
    answers = [
        (f"{_short(name)}\n{score}", errors(labels, panel.truth)) for name, labels, score in panel.answers
    ]
    return [(panel.title, panel.image), ("truth", truth), *answers]


def _short(name: str, most: int = 30) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _meeting(labels: np.ndarray) -> np.ndarray:
    """Return the pixels whose right or lower neighbour has another label, both being particles."""
    meet = np.zeros(labels.shape, bool)
    for ours, theirs, into in (
        (labels[:, :-1], labels[:, 1:], meet[:, :-1]),
        (labels[:-1], labels[1:], meet[:-1]),
    ):
        into |= (ours != theirs) & (ours > 0) & (theirs > 0)
    return meet
