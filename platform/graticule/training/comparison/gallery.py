"""Which images are shown with everyone's masks: the most ordinary one, and the worst."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from graticule.report.comparison.values import METRICS, Panel
from graticule.training.comparison.entrants import BASELINE
from graticule.training.comparison.images import ImageSet
from graticule.training.comparison.labels import kept_labels
from graticule.training.comparison.measure import Measured

WORST, MEDIAN = "worst", "median"


def telling(measured: Sequence[Measured], number: int) -> list[tuple[str, int]]:
    """Return the images worth a look, as (why, place): the median and the worst by mean score.

    Scores are AP50, IoU where the truth does not part; means are over the networks, or are those
    of ``threshold`` where there is no other.
    """
    sound = [each for each in measured if not each.trouble]
    judges = [each for each in sound if each.entrant.network != BASELINE] or sound
    if not judges:
        return []
    scores = np.mean(
        [
            [image.metrics.get("ap50", image.metrics["iou"]) for image in each.scores[number]]
            for each in judges
        ],
        axis=0,
    )
    order = np.argsort(scores, kind="stable")
    worst, median = int(order[0]), int(order[len(order) // 2])
    return [(MEDIAN, median)] if worst == median else [(MEDIAN, median), (WORST, worst)]


def panels(
    images: ImageSet, measured: Sequence[Measured], keeps: Sequence[Path], *, number: int
) -> list[Panel]:
    """Return the telling images of a data set with what each entrant made of them."""
    shown = []
    for why, place in telling(measured, number):
        index = images.indices[place]
        example = images.example(place)
        answers = [
            (each.entrant.name, kept_labels(keep, number=number, place=place), _said(each, number, place))
            for each, keep in zip(measured, keeps, strict=True)
            if not each.trouble
        ]
        title = f"{images.title(index)}\n{why}"
        shown.append(Panel(title=title, image=example.image, truth=example.labels, answers=answers))
    return shown


def _said(each: Measured, number: int, place: int) -> str:
    metrics = each.scores[number][place].metrics
    return ", ".join(f"{METRICS[name]} {metrics[name]:.3f}" for name in ("iou", "ap50") if name in metrics)
