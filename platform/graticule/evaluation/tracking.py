"""All figures of a tracking by name: identities, detections, associations, merges.

HOTA, the Cell Tracking Challenge's measures and the identities of Ristani et al. look at the same
meetings of tracks. ``None`` stands for nothing to score, such as the precision of no merges.
"""

from collections.abc import Sequence

from graticule.core.lineage import Event
from graticule.evaluation.ctc import ctc_scores
from graticule.evaluation.events import event_scores
from graticule.evaluation.hota import hota_scores
from graticule.evaluation.meetings import Meetings
from graticule.evaluation.tracks import matched, track_scores

MERGE_WITHIN_FRAMES = (1, 4)


def tracking_figures(
    met: Meetings, *, truth: Sequence[Event], predicted: Sequence[Event]
) -> dict[str, float | None]:
    """Return the figures of a movie.

    Args:
        met: Which true and predicted tracks meet.
        truth: The true events.
        predicted: Events as tracked.

    Raises:
        ConfigError: If a library of the extra ``compare`` is not installed.
    """
    matches = matched(met)
    identity, hota = track_scores(matches), hota_scores(met)
    challenge = ctc_scores(met, truth=truth, predicted=predicted)
    figures: dict[str, float | None] = {
        "tra": challenge.tra,
        "det": challenge.det,
        "lnk": challenge.lnk,
        "hota": hota.hota,
        "det_a": hota.det_a,
        "ass_a": hota.ass_a,
        "idf1": identity.idf1,
        "switches": float(identity.switches),
        "fragmentations": float(identity.fragmentations),
    }
    truth_of = matches.truth_of()
    for frames in MERGE_WITHIN_FRAMES:
        merges = event_scores(predicted, truth, kind="merge", truth_of=truth_of, within_frames=frames)
        figures |= {
            f"merge_precision_{frames}": merges.precision,
            f"merge_recall_{frames}": merges.recall,
            f"merge_f1_{frames}": merges.f1,
        }
    return figures
