"""Compare what was found with the truth: two experiments, or two folders of label images."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from graticule.core.errors import InputError
from graticule.core.movie import Movie
from graticule.evaluation.events import event_scores
from graticule.evaluation.instances import InstanceScores, mean_scores, score_instances
from graticule.evaluation.masks import boundary_f1, dice, iou
from graticule.evaluation.tracks import match_tracks, track_scores
from graticule.io import open_movie
from graticule.pipeline.shared_view import shared_view
from graticule.pipeline.single import linked_identity
from graticule.storage.experiment import Experiment

Figures = dict[str, float | int | None]
Pair = tuple[np.ndarray, np.ndarray]
MERGE_WITHIN_FRAMES = (1, 4)


def evaluate_paths(predicted: str, truth: str) -> Figures:
    """Return all figures of ``predicted`` against ``truth``, by name.

    Masks and instances are compared image by image and averaged (AP50 = TP / (TP + FP +
    FN) at IoU 0.5); experiments are compared in the frames and pixels they share, and
    their identities and events as well.

    Raises:
        InputError: If one is an experiment and the other is not, or nothing matches.
        ExperimentError: If an experiment is unfinished.
    """
    kinds = [Experiment.exists(path) for path in (predicted, truth)]
    if all(kinds):
        return _evaluate_experiments(Experiment.open(predicted), Experiment.open(truth))
    if any(kinds):
        raise InputError(
            f"{predicted} and {truth} are not alike: give two experiments, or two folders of label images"
        )
    return _image_figures(_label_pairs(predicted, truth))


def _evaluate_experiments(predicted: Experiment, truth: Experiment) -> Figures:
    for experiment in (predicted, truth):
        linked_identity(experiment)
    view = shared_view(predicted, truth)
    figures = _image_figures(view.labels("instances"))
    matches = match_tracks((theirs, ours) for ours, theirs in view.labels("tracks"))
    scores = track_scores(matches)
    figures |= {
        "idf1": scores.idf1,
        "id_switches": scores.switches,
        "fragmentations": scores.fragmentations,
        "tracks": scores.predicted_tracks,
        "true_tracks": scores.truth_tracks,
    }
    events = view.events()
    for kind in ("merge", "split"):
        for frames in MERGE_WITHIN_FRAMES:
            found = event_scores(*events, kind=kind, truth_of=matches.truth_of(), within_frames=frames)
            figures |= {
                f"{kind}_precision_within_{frames}": found.precision,
                f"{kind}_recall_within_{frames}": found.recall,
                f"{kind}_f1_within_{frames}": found.f1,
            }
        figures |= {f"{kind}s": found.predicted, f"true_{kind}s": found.truth}
    return figures


def _image_figures(pairs: Iterator[Pair]) -> Figures:
    instances: list[InstanceScores] = []
    masks: list[tuple[float, float, float]] = []
    for ours, theirs in pairs:
        mine, true = ours > 0, theirs > 0
        masks.append((iou(mine, true), dice(mine, true), boundary_f1(mine, true)))
        instances.append(score_instances(ours, theirs))
    scores = mean_scores(instances)
    columns = np.array(masks, float).reshape(-1, 3).mean(axis=0).tolist()
    figures: Figures = {
        "images": len(masks),
        **dict(zip(("iou", "dice", "boundary_f1"), columns, strict=True)),
    }
    return figures | {
        "ap50": scores["average_precision"],
        "panoptic_quality": scores["panoptic_quality"],
        "instance_f1": scores["f1"],
        "count_error": scores["count_error"],
    }


def _label_pairs(predicted: str, truth: str) -> Iterator[Pair]:
    """Yield label images of two folders, paired by stem."""
    ours, theirs = _label_files(predicted), _label_files(truth)
    lacking = sorted(theirs.keys() - ours.keys())
    if lacking:
        raise InputError(
            f"{predicted} has no labels for {len(lacking)} of {len(theirs)} images of {truth}"
            f" (first: {lacking[0]}); label files are paired by name"
        )
    for stem in theirs:
        yield _label_image(ours[stem]), _label_image(theirs[stem])


def _label_files(folder: str) -> dict[str, str]:
    return {Path(file).stem: file for file in open_movie(folder).files}


def _label_image(file: str) -> np.ndarray:
    movie: Movie = open_movie(file)
    if movie.shape[0] != 1:
        raise InputError(f"{file} has {movie.shape[0]} frames; a label image has one")
    return np.asarray(movie.read(0, 1)[0], np.int64)
