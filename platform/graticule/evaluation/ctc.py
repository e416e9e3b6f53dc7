"""The Cell Tracking Challenge's measures: how much mending turns the found graph into the true one.

An instance is found by the one that covers more than half of it. Mending costs 5 to split an
instance that covers several, 10 to add one, 1 to take one away, 1.5 to add a link, 1 to take one
away and 1 to change its kind; TRA, DET (instances alone) and LNK (links alone) are 1 minus that
over the cost of beginning from nothing. Source: P. Matula et al., PLoS ONE 10 (2015) e0144959;
counted by py-ctcmetrics, extra ``compare``.

In this form a track has one parent and no gaps: the child of a merge follows its largest parent,
and a track that was lost and found again goes on as a child of its own. Merges as such are scored
in :mod:`graticule.evaluation.events`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from graticule.core.errors import InputError
from graticule.core.extras import extra_package
from graticule.core.lineage import Event
from graticule.evaluation.meetings import Meetings

_WANTED_BY = "the metric TRA"


@dataclass(frozen=True, kw_only=True, slots=True)
class CtcScores:
    """The measures; ``None`` where the truth has no instance, or no link."""

    tra: float | None
    det: float | None
    lnk: float | None


def ctc_scores(met: Meetings, *, truth: Iterable[Event], predicted: Iterable[Event]) -> CtcScores:
    """Return the measures of tracks that meet.

    Args:
        met: Of whole movies.
        truth: The true events.
        predicted: Events as tracked.

    Raises:
        ConfigError: If py-ctcmetrics is not installed.
        InputError: If there is an event of a track that was never seen.
    """
    technical = extra_package("ctc_metrics.metrics", extra="compare", wanted_by=_WANTED_BY)
    if not len(met.truth_seen):
        return CtcScores(tra=None, det=None, lnk=None)
    true_form = ctc_form(met.truth_seen, truth)
    if not len(met.predicted_seen):
        return CtcScores(tra=0.0, det=0.0, lnk=0.0 if true_form.links else None)
    counted = _counted(met, true_form, ctc_form(met.predicted_seen, predicted))
    return CtcScores(
        tra=float(technical.tra(**counted)[0]),
        det=float(technical.det(**counted)),
        lnk=float(technical.lnk(**counted)) if true_form.links else None,
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CtcForm:
    """Tracks without gaps: ``table`` holds (name, first frame, last frame, parent or 0) of each.

    ``name`` is that of each instance seen.
    """

    table: Int[np.ndarray, "tracks 4"]
    name: Int[np.ndarray, " n"]

    @property
    def links(self) -> int:
        """How many links there are, within tracks and from parents to children."""
        return len(self.name) - len(self.table) + int(np.count_nonzero(self.table[:, 3]))


def ctc_form(seen: Int[np.ndarray, "n 3"], events: Iterable[Event]) -> CtcForm:
    """Return tracks as the challenge's files hold them.

    Args:
        seen: (frame, track, area) of every instance.
        events: Merges and splits say who is whose parent.

    Raises:
        InputError: If a merge or split names a track that was never seen.
    """
    order = np.lexsort((seen[:, 0], seen[:, 1]))
    frame, track = seen[order, 0], seen[order, 1]
    new = np.ones(len(seen), dtype=np.bool_)
    new[1:] = track[1:] != track[:-1]
    begins = new.copy()
    begins[1:] |= np.diff(frame) > 1
    name = np.cumsum(begins)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(seen)) - 1
    parent = np.where(new[first], 0, np.arange(len(first)))
    pieces = {int(one): (int(track[one_first]), one) for one, one_first in enumerate(first, 1)}
    head = {of: one for one, (of, _) in reversed(pieces.items())}
    tail = {of: one for one, (of, _) in pieces.items()}
    area = {of: int(seen[order[last[one - 1]], 2]) for of, one in tail.items()}
    for child, mother in _parents(events, area).items():
        if child not in head:
            raise InputError(f"there is an event of track {child}, which is seen in no frame")
        if frame[last[tail[mother] - 1]] < frame[first[head[child] - 1]]:
            parent[head[child] - 1] = tail[mother]
    names = np.empty(len(seen), dtype=np.int64)
    names[order] = name
    table = np.column_stack([np.arange(1, len(first) + 1), frame[first], frame[last], parent])
    return CtcForm(table=table.astype(np.int64), name=names)


def _parents(events: Iterable[Event], area: Mapping[int, int]) -> dict[int, int]:
    """Return each child's parent: of several the one that was largest when last seen."""
    found: dict[int, int] = {}
    for event in events:
        if event.kind in ("merge", "split"):
            unknown = [track for track in event.parents if track not in area]
            if unknown:
                raise InputError(f"there is an event of track {unknown[0]}, which is seen in no frame")
            mother = max(event.parents, key=lambda track: (area[track], -track))
            found |= dict.fromkeys(event.children, mother)
    return found


def _counted(met: Meetings, truth: CtcForm, predicted: CtcForm) -> dict[str, Any]:
    counting = extra_package("ctc_metrics.utils.representations", extra="compare", wanted_by=_WANTED_BY)
    t_row, p_row = met.truth_rows(), met.predicted_rows()
    frames = max(met.frames, 2)  # the library looks for links between two frames at least
    covered = 2 * met.pairs[:, 3] > met.truth_seen[t_row, 2]
    t_row, p_row, frame = t_row[covered], p_row[covered], met.pairs[covered, 0]
    counted: dict[str, Any] = counting.count_acyclic_graph_correction_operations(
        truth.table,
        predicted.table,
        _by_frame(truth.name, met.truth_seen[:, 0], frames),
        _by_frame(predicted.name, met.predicted_seen[:, 0], frames),
        _by_frame(truth.name[t_row], frame, frames),
        _by_frame(predicted.name[p_row], frame, frames),
    )
    return counted


def _by_frame(
    names: Int[np.ndarray, " n"], frame: Int[np.ndarray, " n"], frames: int
) -> list[Int[np.ndarray, " m"]]:
    return np.split(names, np.searchsorted(frame, np.arange(1, frames)))
