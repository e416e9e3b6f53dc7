"""Which moments and which place of a movie are worth a closer look."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from graticule.core.window import Box
from graticule.report.findings import Findings

_ROWS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Frames worth showing, and a region (centre y, x and edge, px) that moves with the specimen.

    ``reference`` is the frame in which the region is centred; ``merge`` the event shown there.
    """

    places: tuple[int, ...]
    reference: int
    centre: tuple[float, float]
    edge: int
    merge: dict[str, Any] | None = None

    def box(self, place: int, findings: Findings) -> Box:
        """Return the region in a frame, kept inside the frame."""
        moved = findings.drift[place] - findings.drift[self.reference]
        shape = findings.experiment.shape[1:]
        return region((self.centre[0] + moved[0], self.centre[1] + moved[1]), self.edge, (shape[0], shape[1]))


def region(centre: tuple[float, float], edge: int, shape: tuple[int, int]) -> Box:
    """Return a box of ``edge`` pixels (less in a smaller frame) near ``centre``, inside ``shape``."""
    spans = []
    for middle, limit in zip(centre, shape, strict=True):
        size = min(edge, limit)
        start = int(np.clip(round(middle - size / 2), 0, limit - size))
        spans.append(slice(start, start + size))
    return spans[0], spans[1]


def scene_of(findings: Findings) -> Scene:
    """Choose the surest merge of large particles, else the longest track; and four moments around it."""
    merges = [event for event in findings.of_kind("merge") if event["place"] > 0]
    if merges:
        return _around_merge(findings, max(merges, key=lambda event: _interest(findings, event)))
    return _evenly(findings)


def _interest(findings: Findings, merge: dict[str, Any]) -> float:
    size = findings.diameter_of(merge["children"], merge["place"])
    inside = 0.3 if merge["at_border"] else 1.0
    return float(merge["confidence"]) * inside * size


def _around_merge(findings: Findings, merge: dict[str, Any]) -> Scene:
    last, contact = len(findings.time) - 1, merge["place"]
    size = findings.diameter_of(merge["children"], contact)
    wanted = (0, contact - 1, contact + max(1, (last - contact) // 4), last)
    places = sorted({int(np.clip(place, 0, last)) for place in wanted})
    return Scene(
        places=_filled_up(places, last),
        reference=contact,
        centre=(merge["y_px"], merge["x_px"]),
        edge=_edge(findings, size),
        merge=merge,
    )


def _evenly(findings: Findings) -> Scene:
    last = len(findings.time) - 1
    height, width = findings.experiment.shape[1:]
    centre, size, reference = ((height - 1) / 2, (width - 1) / 2), 0.0, 0
    particles = findings.particles
    inside = np.flatnonzero(~particles["touches_border"].astype(bool))
    if len(inside):
        _, inverse = np.unique(particles["track"][inside], return_inverse=True)
        sizes = np.bincount(inverse, particles["equivalent_diameter_px"][inside])
        row = inside[np.argmax(inverse == np.argmax(sizes))]
        centre = (float(particles["y_px"][row]), float(particles["x_px"][row]))
        size, reference = float(particles["equivalent_diameter_px"][row]), int(particles["place"][row])
    return Scene(
        places=_filled_up([0, last], last), reference=reference, centre=centre, edge=_edge(findings, size)
    )


def _edge(findings: Findings, size: float) -> int:
    shortest = min(findings.experiment.shape[1:])
    return int(np.clip(2.6 * size, min(24, shortest), max(24, shortest // 3)))


def _filled_up(places: list[int], last: int) -> tuple[int, ...]:
    """Add moments in the middle of the widest gaps until there are four, where the movie has them."""
    chosen = sorted(set(places))
    while len(chosen) < min(_ROWS, last + 1):
        gap = int(np.argmax(np.diff(chosen)))
        chosen.insert(gap + 1, (chosen[gap] + chosen[gap + 1]) // 2)
    return tuple(chosen)
