"""How well two sets of instances agree: who is found, how well, and how many.

An instance matches the one true instance with which it shares an IoU above the threshold;
from 0.5 upwards no instance can match two. Two empty images agree fully (every score 1).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from graticule.core.errors import ConfigError, InputError


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Overlaps:
    """Which instances meet, and how much.

    One entry per pair that shares a pixel: the ids ``predicted`` and ``truth`` and their
    ``iou``. The ids of all instances are in ``predicted_ids`` and ``truth_ids``.
    """

    predicted: Int[np.ndarray, " n"]
    truth: Int[np.ndarray, " n"]
    iou: Float[np.ndarray, " n"]
    predicted_ids: Int[np.ndarray, " p"]
    truth_ids: Int[np.ndarray, " q"]


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceScores:
    """Scores of one image at one IoU threshold.

    Attributes:
        true_positives: Matched instances.
        false_positives: Predicted ones without a match.
        false_negatives: True ones without a match.
        mean_matched_iou: Mean IoU of the matches; 0 without any.
    """

    true_positives: int
    false_positives: int
    false_negatives: int
    mean_matched_iou: float

    @property
    def average_precision(self) -> float:
        """TP / (TP + FP + FN); at IoU 0.5 this is the AP50 of graticule."""
        return _share(self.true_positives, self.false_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """TP / (TP + (FP + FN) / 2)."""
        return _share(self.true_positives, (self.false_positives + self.false_negatives) / 2)

    @property
    def panoptic_quality(self) -> float:
        """F1 times the mean IoU of the matches (A. Kirillov et al., CVPR 2019)."""
        nothing = self.true_positives + self.false_positives + self.false_negatives == 0
        return 1.0 if nothing else self.f1 * self.mean_matched_iou

    @property
    def count_error(self) -> int:
        """Predicted minus true number of instances."""
        return self.false_positives - self.false_negatives

    @property
    def relative_count_error(self) -> float:
        """:attr:`count_error` over the true number (over 1 where there is none)."""
        return self.count_error / max(self.true_positives + self.false_negatives, 1)


def overlaps(predicted: Integer[np.ndarray, "..."], truth: Integer[np.ndarray, "..."]) -> Overlaps:
    """Return the pairs of instances that share pixels; ids need not be compact, 0 is background.

    Raises:
        InputError: If the shapes differ.
    """
    if predicted.shape != truth.shape:
        raise InputError(
            f"cannot compare labels of {predicted.shape} and {truth.shape} pixels;"
            " predict at the size of the truth"
        )
    p_ids, p = np.unique(predicted, return_inverse=True)
    t_ids, t = np.unique(truth, return_inverse=True)
    p, t = p.ravel(), t.ravel()
    p_area, t_area = np.bincount(p), np.bincount(t)
    table = coo_array((np.ones(p.size, np.int64), (p, t)), shape=(p_ids.size, t_ids.size)).tocsr().tocoo()
    both = (p_ids[table.row] != 0) & (t_ids[table.col] != 0)
    row, column, common = table.row[both], table.col[both], table.data[both]
    return Overlaps(
        predicted=p_ids[row].astype(np.int64),
        truth=t_ids[column].astype(np.int64),
        iou=common / (p_area[row] + t_area[column] - common),
        predicted_ids=p_ids[p_ids != 0].astype(np.int64),
        truth_ids=t_ids[t_ids != 0].astype(np.int64),
    )


def match(found: Overlaps, *, threshold: float = 0.5) -> Int[np.ndarray, "2 m"]:
    """Return the matched ids (predicted, truth), in the order of the predicted ids.

    Pairs match when their IoU is above ``threshold``. Below 0.5 several may compete; then
    the greatest number of matches is taken, and of these the greatest summed IoU.

    Raises:
        ConfigError: If the threshold is not within 0 … 1.
    """
    if not 0 <= threshold < 1:
        raise ConfigError(f"an IoU threshold lies within 0 <= t < 1, got {threshold}")
    good = found.iou > threshold
    p, t, iou = found.predicted[good], found.truth[good], found.iou[good]
    if threshold < 0.5:
        chosen = _assigned(p, t, iou)
        p, t = p[chosen], t[chosen]
    order = np.argsort(p, kind="stable")
    return np.stack([p[order], t[order]])


def score_instances(
    predicted: Integer[np.ndarray, "..."], truth: Integer[np.ndarray, "..."], *, threshold: float = 0.5
) -> InstanceScores:
    """Return the scores of one image.

    Args:
        predicted: Instance labels; 0 is background.
        truth: What they should be.
        threshold: IoU above which two instances match.

    Raises:
        InputError: If the shapes differ.
        ConfigError: If the threshold is not within 0 … 1.
    """
    found = overlaps(predicted, truth)
    matched = match(found, threshold=threshold)
    known = zip(found.predicted.tolist(), found.truth.tolist(), found.iou.tolist(), strict=True)
    iou = {(p, t): value for p, t, value in known}
    matched_iou = [iou[pair] for pair in zip(*matched.tolist(), strict=True)]
    hits = len(matched_iou)
    return InstanceScores(
        true_positives=hits,
        false_positives=found.predicted_ids.size - hits,
        false_negatives=found.truth_ids.size - hits,
        mean_matched_iou=float(np.mean(matched_iou)) if matched_iou else 0.0,
    )


def mean_scores(images: Iterable[InstanceScores]) -> dict[str, float]:
    """Return AP, PQ, F1 and count errors, each as the mean over images; empty without any.

    ``count_error`` is the mean of its size, so that too many and too few do not cancel.
    """
    each = list(images)
    if not each:
        return {}
    return {
        "average_precision": float(np.mean([s.average_precision for s in each])),
        "panoptic_quality": float(np.mean([s.panoptic_quality for s in each])),
        "f1": float(np.mean([s.f1 for s in each])),
        "count_error": float(np.mean([abs(s.count_error) for s in each])),
        "relative_count_error": float(np.mean([abs(s.relative_count_error) for s in each])),
    }


def _share(hits: int, misses: int | float) -> float:
    return hits / (hits + misses) if hits + misses else 1.0


def _assigned(p: np.ndarray, t: np.ndarray, iou: np.ndarray) -> Int[np.ndarray, " m"]:
    """Return the indices of the best one-to-one pairs, one group of rivals at a time."""
    p_node, t_node = np.unique(p, return_inverse=True)[1], np.unique(t, return_inverse=True)[1]
    n, m = int(p_node.max(initial=-1)) + 1, int(t_node.max(initial=-1)) + 1
    edges = coo_array((np.ones(p.size), (p_node, t_node + n)), shape=(n + m, n + m))
    group = connected_components(csr_array(edges), directed=False)[1][p_node]
    chosen = [_best_of(np.flatnonzero(group == g), p_node, t_node, iou) for g in np.unique(group)]
    return np.concatenate([np.empty(0, np.int64), *chosen])


def _best_of(pairs: np.ndarray, p: np.ndarray, t: np.ndarray, iou: np.ndarray) -> np.ndarray:
    rows, row = np.unique(p[pairs], return_inverse=True)
    columns, column = np.unique(t[pairs], return_inverse=True)
    gain = np.zeros((rows.size, columns.size))
    gain[row, column] = iou[pairs] + max(rows.size, columns.size)
    index = np.full(gain.shape, -1)
    index[row, column] = pairs
    taken = index[linear_sum_assignment(gain, maximize=True)]
    return np.asarray(taken[taken >= 0])
