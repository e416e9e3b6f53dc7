from itertools import pairwise

import numpy as np
import pytest

from graticule import tracking
from graticule.core.tracker import Observations
from graticule.evaluation.events import event_scores
from graticule.evaluation.tracks import match_tracks, track_scores
from graticule.synthetic import simulate


@pytest.mark.parametrize("preset", ["easy", "medium", "hard"])
def test_true_masks_give_true_identities_and_merges(preset):
    movie = simulate(preset, frames=60, size=256, seed=4)
    shown = list(movie)
    labels = np.stack([frame.labels for frame in shown])
    truth = movie.lineage()
    tracker = tracking.create("overlap")
    seen = tracker.observe(np.stack([frame.image for frame in shown]), labels, first=0)
    found = tracker.resolve([seen], frames=60, shape=(256, 256))
    matches = match_tracks(
        zip(_carried(labels, truth), _carried(labels, found), strict=True),
    )
    assert track_scores(matches).idf1 > 0.99
    merges = event_scores(found.events, truth.events, kind="merge", truth_of=matches.truth_of())
    assert merges.matched == merges.truth == merges.predicted


def test_long_walks_keep_their_tracks():
    runs = {frames: _walk(frames) for frames in (200, 400)}
    tracker = tracking.create("overlap")
    for frames, run in runs.items():
        lineage = tracker.resolve(_cut(run, frames), frames=frames, shape=(512, 512))
        assert len(lineage.frame) == 20 * frames
        assert len(np.unique(lineage.track)) == 20


def _carried(labels, lineage):
    table = np.zeros((len(labels), labels.max() + 1), np.int64)
    table[lineage.frame, lineage.label] = lineage.track
    return [table[frame][image] for frame, image in enumerate(labels)]


def _walk(frames: int) -> Observations:
    grid = np.stack(np.meshgrid(np.arange(4), np.arange(5), indexing="ij"), -1).reshape(-1, 2) * 90.0 + 50
    step = np.random.default_rng(0).normal(0, 0.3, (frames, 20, 2))
    centre = (grid + np.cumsum(step, axis=0)).reshape(-1, 2)
    labels = np.tile(np.arange(1, 21, dtype=np.uint32), frames)
    of = np.repeat(np.arange(frames), 20)
    return {"centre": centre, "label": labels, "frame": of}


def _cut(run: Observations, frames: int) -> list[Observations]:
    return [_observation(run, a, b) for a, b in pairwise([*range(0, frames - 1, 50), frames - 1])]


def _observation(run: Observations, start: int, stop: int) -> Observations:
    rows = (run["frame"] >= start) & (run["frame"] <= stop)
    pair = (run["frame"] >= start) & (run["frame"] < stop)
    n = int(rows.sum())
    none = np.zeros(0, np.int64)
    return {
        "first": np.array(start),
        "steps": np.zeros((stop - start, 2)),
        "steps_measured": np.ones(stop - start, np.bool_),
        "instance_frame": run["frame"][rows],
        "instance_label": run["label"][rows],
        "instance_area": np.full(n, 300),
        "instance_y": run["centre"][rows, 0],
        "instance_x": run["centre"][rows, 1],
        "instance_border": np.zeros(n, np.bool_),
        "contact_frame": none,
        "contact_a": none.astype(np.uint32),
        "contact_b": none.astype(np.uint32),
        "contact_length": np.zeros(0),
        "overlap_frame": run["frame"][pair],
        "overlap_a": run["label"][pair],
        "overlap_b": run["label"][pair],
        "overlap_pixels": np.full(int(pair.sum()), 260),
    }
