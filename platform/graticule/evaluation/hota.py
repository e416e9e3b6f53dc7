"""HOTA: how well instances are found and how well they keep their identity, in one number.

For thresholds of IoU from 0.05 to 0.95: the geometric mean of DetA (detections found, of all
found or true) and AssA (of each detection found, how far its two tracks agree), averaged over the
thresholds. Source: J. Luiten et al., IJCV 129 (2021) 548; computed by trackeval, extra ``compare``.
"""

from dataclasses import dataclass

import numpy as np

from graticule.core.extras import extra_package
from graticule.evaluation.meetings import Meetings


@dataclass(frozen=True, kw_only=True, slots=True)
class HotaScores:
    """HOTA and its two parts; ``None`` where there is nothing to score."""

    hota: float | None
    det_a: float | None
    ass_a: float | None


def hota_scores(met: Meetings) -> HotaScores:
    """Return the scores of tracks that meet.

    Raises:
        ConfigError: If trackeval is not installed.
    """
    metrics = extra_package("trackeval.metrics", extra="compare", wanted_by="the metric HOTA")
    if not len(met.truth_seen) and not len(met.predicted_seen):
        return HotaScores(hota=None, det_a=None, ass_a=None)
    found = metrics.HOTA().eval_sequence(_as_trackeval_has_it(met))
    hota, det_a, ass_a = (float(np.mean(found[name])) for name in ("HOTA", "DetA", "AssA"))
    return HotaScores(hota=hota, det_a=det_a, ass_a=ass_a)


def _as_trackeval_has_it(met: Meetings) -> dict[str, object]:
    """Return ids without gaps and the IoU of all pairs, frame by frame."""
    names = [np.unique(seen[:, 1]) for seen in (met.truth_seen, met.predicted_seen)]
    ids = [
        np.searchsorted(known, seen[:, 1])
        for known, seen in zip(names, (met.truth_seen, met.predicted_seen), strict=True)
    ]
    times = np.arange(met.frames + 1)
    truth, predicted, pair = (
        np.searchsorted(rows[:, 0], times) for rows in (met.truth_seen, met.predicted_seen, met.pairs)
    )
    t_row, p_row, iou = met.truth_rows(), met.predicted_rows(), met.iou()
    similarity = []
    for frame in range(met.frames):
        alike = np.zeros((truth[frame + 1] - truth[frame], predicted[frame + 1] - predicted[frame]))
        here = slice(pair[frame], pair[frame + 1])
        alike[t_row[here] - truth[frame], p_row[here] - predicted[frame]] = iou[here]
        similarity.append(alike)
    return {
        "num_gt_dets": len(ids[0]),
        "num_tracker_dets": len(ids[1]),
        "num_gt_ids": len(names[0]),
        "num_tracker_ids": len(names[1]),
        "gt_ids": np.split(ids[0], truth[1:-1]),
        "tracker_ids": np.split(ids[1], predicted[1:-1]),
        "similarity_scores": similarity,
    }
