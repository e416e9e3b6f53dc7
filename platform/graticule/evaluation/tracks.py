"""How well identities are kept: IDF1, switches, fragmentations.

Both sides are label images whose pixels carry track ids (``labels/tracks``), taken frame by
frame: memory grows with the number of instances, never with pixels.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Integer
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graticule.core.errors import ConfigError
from graticule.evaluation.meetings import Meetings, meetings


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrackMatches:
    """Which track lies on which, frame by frame.

    ``frame, truth, predicted``: one entry per matched pair, sorted by frame. ``truth_seen``
    and ``predicted_seen`` hold (frame, track) of every instance of each side.
    """

    frame: Int[np.ndarray, " n"]
    truth: Int[np.ndarray, " n"]
    predicted: Int[np.ndarray, " n"]
    truth_seen: Int[np.ndarray, "truths 2"]
    predicted_seen: Int[np.ndarray, "predictions 2"]

    def truth_of(self) -> dict[int, int]:
        """Return for each predicted track the truth track it lies on most (the lower of equals)."""
        pairs, count = np.unique(np.stack([self.predicted, self.truth], 1), axis=0, return_counts=True)
        order = np.lexsort((-pairs[:, 1], count))
        return dict(pairs[order].tolist())


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackScores:
    """Scores of identities; ``None`` where there is nothing to score.

    IDF1, ID precision and recall: Ristani et al., ECCV Workshops 2016 (one-to-one matching
    of whole tracks that keeps most instances). Switches: a truth track found again under
    another id than last time (Bernardin & Stiefelhagen 2008). Fragmentations: a truth
    track found, lost while it still exists, and found again.
    """

    idf1: float | None
    id_precision: float | None
    id_recall: float | None
    switches: int
    fragmentations: int
    truth_tracks: int
    predicted_tracks: int
    truth_instances: int
    predicted_instances: int
    matched_instances: int


def match_tracks(
    frames: Iterable[tuple[Integer[np.ndarray, "y x"], Integer[np.ndarray, "v u"]]], *, least_iou: float = 0.5
) -> TrackMatches:
    """Match the instances of pairs (truth, predicted) of track label images, 0 is background.

    Two instances match when the IoU of their masks is at least ``least_iou``; each matches
    at most one other.

    Raises:
        ConfigError: If ``least_iou`` is below 0.5, where a match would not be unique.
        InputError: If the two images of a frame differ in shape.
    """
    _check(least_iou)
    return matched(meetings(frames), least_iou=least_iou)


def matched(met: Meetings, *, least_iou: float = 0.5) -> TrackMatches:
    """Return which of the tracks that meet lie on each other, as :func:`match_tracks` does.

    Raises:
        ConfigError: If ``least_iou`` is below 0.5, where a match would not be unique.
    """
    _check(least_iou)
    iou = met.iou()
    good = np.flatnonzero(iou >= least_iou)
    good = good[np.argsort(-iou[good], kind="stable")]
    for side in (met.truth_rows(), met.predicted_rows()):  # only an IoU of exactly one half can match twice
        _, first = np.unique(side[good], return_index=True)
        good = good[np.sort(first)]
    rows = met.pairs[np.sort(good)]
    return TrackMatches(
        frame=rows[:, 0],
        truth=rows[:, 1],
        predicted=rows[:, 2],
        truth_seen=met.truth_seen[:, :2],
        predicted_seen=met.predicted_seen[:, :2],
    )


def _check(least_iou: float) -> None:
    if not 0.5 <= least_iou <= 1:
        raise ConfigError(f"least_iou must lie in 0.5 … 1, got {least_iou}")


def track_scores(matches: TrackMatches) -> TrackScores:
    """Return the scores of matched tracks."""
    kept = _most_kept(matches.truth, matches.predicted)
    truths, predictions = len(matches.truth_seen), len(matches.predicted_seen)
    return TrackScores(
        idf1=_ratio(2 * kept, truths + predictions),
        id_precision=_ratio(kept, predictions),
        id_recall=_ratio(kept, truths),
        switches=_switches(matches),
        fragmentations=_fragmentations(matches),
        truth_tracks=len(np.unique(matches.truth_seen[:, 1])),
        predicted_tracks=len(np.unique(matches.predicted_seen[:, 1])),
        truth_instances=truths,
        predicted_instances=predictions,
        matched_instances=len(matches.frame),
    )


def _most_kept(truth: Int[np.ndarray, " n"], predicted: Int[np.ndarray, " n"]) -> int:
    """Return the most instances that a one-to-one matching of tracks keeps."""
    t, p = np.unique(truth, return_inverse=True)[1], np.unique(predicted, return_inverse=True)[1]
    if not len(t):
        return 0
    n, m = t.max() + 1, p.max() + 1
    shared = coo_array((np.ones(len(t), dtype=np.int64), (t, n + p)), shape=(n + m, n + m)).tocsr()
    count, group = connected_components(shared, directed=False)
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(count + 1))
    kept = 0
    for low, high in itertools.pairwise(bounds):  # tracks never met stay apart
        members = order[low:high]
        block = shared[members[members < n]][:, members[members >= n]].toarray()
        rows, columns = linear_sum_assignment(block, maximize=True)
        kept += int(block[rows, columns].sum())
    return kept


def _switches(matches: TrackMatches) -> int:
    order = np.lexsort((matches.frame, matches.truth))
    truth, predicted = matches.truth[order], matches.predicted[order]
    return int(np.count_nonzero((truth[1:] == truth[:-1]) & (predicted[1:] != predicted[:-1])))


def _fragmentations(matches: TrackMatches) -> int:
    frame, track = matches.truth_seen.T
    stride = int(frame.max(initial=0)) + 1
    keys = track * stride + frame
    found = np.isin(keys, matches.truth * stride + matches.frame)
    order = np.argsort(keys)
    found, track = found[order], track[order]
    times = np.flatnonzero(found)
    again = track[times[1:]] == track[times[:-1]]
    return int(np.count_nonzero(again & (np.diff(times) > 1)))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
