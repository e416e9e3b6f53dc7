"""Which tracks meet, frame by frame, and how much: all that metrics of tracks need of pixels.

Both sides are label images whose pixels carry track ids (``labels/tracks``), taken frame by
frame: memory grows with the number of instances, never with pixels.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer

from graticule.core.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Meetings:
    """Pairs of tracks that share pixels, sorted by (frame, truth, predicted), and who was seen.

    ``pairs`` holds (frame, truth, predicted, shared pixels); ``truth_seen`` and
    ``predicted_seen`` hold (frame, track, area in pixels) of every instance, sorted.
    """

    frames: int
    pairs: Int[np.ndarray, "n 4"]
    truth_seen: Int[np.ndarray, "truths 3"]
    predicted_seen: Int[np.ndarray, "predictions 3"]

    def iou(self) -> Float[np.ndarray, " n"]:
        """Return the IoU of each pair."""
        truth, predicted = self.truth_rows(), self.predicted_rows()
        shared = self.pairs[:, 3]
        union = self.truth_seen[truth, 2] + self.predicted_seen[predicted, 2] - shared
        return np.asarray(shared / union)

    def truth_rows(self) -> Int[np.ndarray, " n"]:
        """Return where the truth of each pair stands in ``truth_seen``."""
        return _rows(self.truth_seen, self.pairs[:, [0, 1]])

    def predicted_rows(self) -> Int[np.ndarray, " n"]:
        """Return where the prediction of each pair stands in ``predicted_seen``."""
        return _rows(self.predicted_seen, self.pairs[:, [0, 2]])


def meetings(frames: Iterable[tuple[Integer[np.ndarray, "y x"], Integer[np.ndarray, "v u"]]]) -> Meetings:
    """Return who meets whom in pairs (truth, predicted) of track label images; 0 is background.

    Raises:
        InputError: If the two images of a frame differ in shape.
    """
    pairs, truths, predictions = [], [], []
    count = 0
    for index, (truth, predicted) in enumerate(frames):
        if truth.shape != predicted.shape:
            raise InputError(
                f"frame {index}: truth is {truth.shape}, prediction {predicted.shape}; give both of one movie"
            )
        count += 1
        met, ids = _met(truth, predicted)
        pairs.append(_with_frame(index, met))
        truths.append(_with_frame(index, ids[0]))
        predictions.append(_with_frame(index, ids[1]))
    return Meetings(
        frames=count,
        pairs=_stacked(pairs, 4),
        truth_seen=_stacked(truths, 3),
        predicted_seen=_stacked(predictions, 3),
    )


def _met(
    truth: Integer[np.ndarray, "y x"], predicted: Integer[np.ndarray, "y x"]
) -> tuple[Int[np.ndarray, "n 3"], tuple[Int[np.ndarray, "t 2"], Int[np.ndarray, "p 2"]]]:
    t_seen, p_seen = _areas(truth), _areas(predicted)
    both = (truth > 0) & (predicted > 0)
    t, p = np.searchsorted(t_seen[:, 0], truth[both]), np.searchsorted(p_seen[:, 0], predicted[both])
    keys, shared = np.unique(t * len(p_seen) + p, return_counts=True)
    t, p = np.divmod(keys, max(len(p_seen), 1))
    return np.stack([t_seen[t, 0], p_seen[p, 0], shared], 1).astype(np.int64), (t_seen, p_seen)


def _areas(labels: Integer[np.ndarray, "y x"]) -> Int[np.ndarray, "n 2"]:
    return np.stack(np.unique(labels[labels > 0], return_counts=True), 1).astype(np.int64)


def _with_frame(frame: int, columns: Int[np.ndarray, "n c"]) -> Int[np.ndarray, "n d"]:
    return np.column_stack([np.full(len(columns), frame, dtype=np.int64), columns])


def _stacked(parts: list[np.ndarray], columns: int) -> Int[np.ndarray, "n c"]:
    return np.concatenate([np.zeros((0, columns), dtype=np.int64), *parts])


def _rows(seen: Int[np.ndarray, "m 3"], wanted: Int[np.ndarray, "n 2"]) -> Int[np.ndarray, " n"]:
    stride = int(seen[:, 1].max(initial=0)) + 1
    return np.asarray(np.searchsorted(seen[:, 0] * stride + seen[:, 1], wanted[:, 0] * stride + wanted[:, 1]))
