"""Experiments and folders of label images compared with the truth."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.core.calibration import Calibration
from graticule.core.errors import ExperimentError, InputError
from graticule.core.progress import ignore
from graticule.evaluation.masks import iou
from graticule.pipeline.evaluate import evaluate_paths
from graticule.pipeline.in_process import run_in_process
from graticule.pipeline.settings import IngestSettings, LinkSettings, SegmentSettings
from graticule.pipeline.simulate import simulate_experiment
from graticule.pipeline.single import ingest_movie, link_experiment, segment_experiment
from graticule.storage.experiment import Experiment

HOW = {"execute": run_in_process, "listener": ignore}
PERFECT = ("iou", "dice", "boundary_f1", "ap50", "panoptic_quality", "instance_f1", "idf1")


@pytest.fixture(scope="module")
def truth(tmp_path_factory) -> str:
    out = tmp_path_factory.mktemp("truth") / "truth.ome.zarr"
    how = {"preset": "easy", "frames": 12, "size": 160, "seed": 5, "calibration": Calibration()}
    return simulate_experiment(str(out), **how, listener=ignore).root


def linked(source: str, out: Path, **taken) -> str:
    root = ingest_movie(source, str(out), IngestSettings(**taken), **HOW).root
    segment_experiment(root, SegmentSettings(), **HOW)
    return link_experiment(root, LinkSettings(), **HOW).root


def folder(path: Path, images: dict[str, np.ndarray]) -> str:
    path.mkdir()
    for name, labels in images.items():
        Image.fromarray(labels.astype(np.uint16)).save(path / name)
    return str(path)


def square(*, at: int = 4, label: int = 1) -> np.ndarray:
    labels = np.zeros((32, 32), np.uint16)
    labels[at : at + 10, at : at + 10] = label
    return labels


def test_an_experiment_agrees_with_itself_perfectly(truth):
    figures = evaluate_paths(truth, truth)
    assert {name: figures[name] for name in PERFECT} == dict.fromkeys(PERFECT, 1.0)
    assert figures["images"] == 12
    assert figures["count_error"] == figures["id_switches"] == figures["fragmentations"] == 0
    assert figures["tracks"] == figures["true_tracks"]
    for kind in ("merge", "split"):
        assert figures[f"{kind}s"] == figures[f"true_{kind}s"]
        assert figures[f"{kind}_f1_within_1"] in (1.0, None)


def test_only_the_frames_that_both_hold_are_compared(truth, tmp_path):
    part = linked(truth, tmp_path / "part.ome.zarr", frames="4:10")
    figures = evaluate_paths(part, truth)
    ours = Experiment.open(part).read_labels("instances", 0, 6) > 0
    theirs = Experiment.open(truth).read_labels("instances", 4, 10) > 0
    assert figures["images"] == 6
    assert figures["iou"] == pytest.approx(np.mean([iou(*pair) for pair in zip(ours, theirs, strict=True)]))


def test_frames_are_matched_by_their_number_in_the_source(truth, tmp_path):
    early, late = (
        linked(truth, tmp_path / f"{name}.ome.zarr", frames=frames)
        for name, frames in (("early", "0:7"), ("late", "5:12"))
    )
    figures = evaluate_paths(early, late)
    assert figures["images"] == 2
    assert figures["iou"] > 0.9


def test_experiments_without_a_common_frame_are_refused(truth, tmp_path):
    early, late = (
        linked(truth, tmp_path / f"{name}.ome.zarr", frames=frames)
        for name, frames in (("early", "0:3"), ("late", "6:9"))
    )
    with pytest.raises(InputError, match="share no frame"):
        evaluate_paths(early, late)


def test_an_unfinished_experiment_is_refused(truth, tmp_path):
    root = ingest_movie(truth, str(tmp_path / "e.ome.zarr"), IngestSettings(), **HOW).root
    with pytest.raises(ExperimentError, match="unfinished"):
        evaluate_paths(root, truth)


def test_folders_are_compared_image_by_image_under_the_same_names(tmp_path):
    ours = folder(tmp_path / "ours", {"a.png": square(), "b.png": square(at=9)})
    theirs = folder(tmp_path / "theirs", {"a.png": square(label=7), "b.png": square(at=20)})
    figures = evaluate_paths(ours, theirs)
    assert figures["images"] == 2
    assert figures["iou"] == pytest.approx(0.5)
    assert figures["ap50"] == pytest.approx(0.5)
    assert "idf1" not in figures


def test_an_image_without_a_partner_is_named(tmp_path):
    ours = folder(tmp_path / "ours", {"a.png": square()})
    theirs = folder(tmp_path / "theirs", {"a.png": square(), "b.png": square()})
    with pytest.raises(InputError, match=r"1 of 2 images.*first: b.*paired by name"):
        evaluate_paths(ours, theirs)


def test_images_of_different_sizes_are_named(tmp_path):
    ours = folder(tmp_path / "ours", {"a.png": square()})
    theirs = folder(tmp_path / "theirs", {"a.png": np.pad(square(), 4)})
    with pytest.raises(InputError, match=r"a.*32.*40"):
        evaluate_paths(ours, theirs)


def test_an_experiment_is_not_compared_with_a_folder(truth, tmp_path):
    labels = folder(tmp_path / "labels", {"a.png": square()})
    with pytest.raises(InputError, match="not alike: give two experiments, or two folders"):
        evaluate_paths(truth, labels)
