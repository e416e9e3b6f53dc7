"""Merges and splits found, missed and made up.

A predicted event is a true one when its frame is near enough and it is about the same
particles: through tracks that lie on each other, or by its place. Each event counts once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool
from scipy.optimize import linear_sum_assignment

from graticule.core.errors import ConfigError
from graticule.core.lineage import Event, EventKind

_NEVER = 1e9
_MEMBERS = {"merge": 2, "split": 1, "appear": 1, "vanish": 1}


@dataclass(frozen=True, kw_only=True, slots=True)
class EventScores:
    """Precision, recall and F1 of one kind of event; ``None`` where there is nothing to score.

    ``frame_errors``: predicted minus true frame of each matched event, in order of truth.
    """

    kind: EventKind
    within_frames: int
    truth: int
    predicted: int
    matched: int
    frame_errors: tuple[int, ...]

    @property
    def precision(self) -> float | None:
        """Part of the predicted events that are true."""
        return self.matched / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """Part of the true events that were predicted."""
        return self.matched / self.truth if self.truth else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        total = self.truth + self.predicted
        return 2 * self.matched / total if total else None


def event_scores(
    predicted: Sequence[Event],
    truth: Sequence[Event],
    *,
    kind: EventKind,
    truth_of: Mapping[int, int],
    within_frames: int = 5,
    within_px: float = 10.0,
) -> EventScores:
    """Score the events of one kind.

    Args:
        predicted: Events as tracked; those of other kinds are passed over.
        truth: The true events.
        kind: Which kind to score.
        truth_of: The truth track that each predicted track lies on, as
            :meth:`TrackMatches.truth_of` gives it.
        within_frames: How far the frames may differ.
        within_px: How far the places may differ when the tracks do not tell; 0: never by place.

    Raises:
        ConfigError: If ``within_frames`` or ``within_px`` is negative.
    """
    if within_frames < 0 or within_px < 0:
        raise ConfigError(f"need tolerances >= 0, got {within_frames=} {within_px=}")
    mine = [event for event in predicted if event.kind == kind]
    true = [event for event in truth if event.kind == kind]
    late = np.array([event.frame for event in mine])[:, None] - np.array([event.frame for event in true])
    late = late.reshape(len(mine), len(true)).astype(np.int64)
    fits = _fits(mine, true, truth_of, within_px) & (np.abs(late) <= within_frames)
    rows, columns = linear_sum_assignment(np.where(fits, np.abs(late), _NEVER))
    good = fits[rows, columns]
    errors = late[rows[good], columns[good]][np.argsort(columns[good])]
    return EventScores(
        kind=kind,
        within_frames=within_frames,
        truth=len(true),
        predicted=len(mine),
        matched=int(good.sum()),
        frame_errors=tuple(errors.tolist()),
    )


def events_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Event, ...]:
    """Return the events of an event table's rows (``events.parquet``, as Python values)."""
    return tuple(
        Event(
            kind=row["kind"],
            frame=row["frame"],
            parents=tuple(row["parents"]),
            children=tuple(row["children"]),
            y_px=row["y_px"],
            x_px=row["x_px"],
            at_border=row["at_border"],
            confidence=row["confidence"],
        )
        for row in rows
    )


def _fits(
    mine: Sequence[Event], true: Sequence[Event], truth_of: Mapping[int, int], within_px: float
) -> Bool[np.ndarray, "p t"]:
    shared = np.zeros((len(mine), len(true)), dtype=np.int64)
    for row, event in enumerate(mine):
        members = {truth_of[track] for track in _members(event) if track in truth_of}
        shared[row] = [len(members.intersection(_members(other))) for other in true]
    least = np.array([_MEMBERS[event.kind] for event in true], dtype=np.int64)
    here, there = _places(mine), _places(true)
    near = np.linalg.norm(here[:, None] - there[None], axis=2) < within_px
    return np.asarray((shared >= least) | near)


def _members(event: Event) -> tuple[int, ...]:
    return event.children if event.kind == "appear" else event.parents


def _places(events: Sequence[Event]) -> np.ndarray:
    return np.array([(event.y_px, event.x_px) for event in events], dtype=np.float64).reshape(-1, 2)
