"""A segmenter with a network goes through the stages: its weights are part of what they are."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule import models
from graticule.core.errors import ExperimentError, InputError
from graticule.core.progress import ignore
from graticule.core.segmenter import Segmenter
from graticule.pipeline.in_process import run_in_process
from graticule.pipeline.label_images import segment_to_folder, stills
from graticule.pipeline.on_ray import RunOnRay
from graticule.pipeline.segment import SegmentStage, fitting_tile, segment_steps
from graticule.pipeline.settings import IngestSettings, SegmentSettings
from graticule.pipeline.single import ingest_movie, segment_experiment
from graticule.pipeline.step import Executor
from graticule.storage.experiment import Experiment
from local_ray import local_ray
from movies import sintering_tiff
from random_weights import tiny_swin
from threads import one_thread
from trees import digests

__all__ = ["one_thread"]

INSTANCES = ("labels/instances",)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GRATICULE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return tiny_swin(tmp_path_factory.mktemp("weights") / "swin.safetensors")


@pytest.fixture(scope="module")
def movie(tmp_path_factory) -> Path:
    return sintering_tiff(tmp_path_factory.mktemp("movie") / "movie.tif", frames=3, size=96)


def settings(weights: Path, **more) -> SegmentSettings:
    options = {"weights": str(weights), "device": "cpu"}
    return SegmentSettings(segmenter="swin-unet", polarity="dark", min_diameter_px=2, options=options, **more)


def segmented(
    movie: Path, out: Path, chosen: SegmentSettings, execute: Executor = run_in_process
) -> Experiment:
    how = {"execute": execute, "listener": ignore}
    root = ingest_movie(str(movie), str(out), IngestSettings(), **how).root
    return segment_experiment(root, chosen, **how)


@pytest.fixture(scope="module")
def done(movie, weights, tmp_path_factory) -> Experiment:
    return segmented(movie, tmp_path_factory.mktemp("loop") / "e.ome.zarr", settings(weights))


def segment_run(experiment: Experiment):
    (run_id,) = (name for name in experiment.runs() if name.startswith("segment-"))
    return experiment.run(run_id)


def test_ray_gives_the_same_bytes_as_a_plain_loop_whatever_the_workers(done, movie, weights, tmp_path):
    with local_ray():
        for workers in (1, 2):
            out = segmented(movie, tmp_path / f"{workers}", settings(weights), RunOnRay(workers=workers))
            assert digests(Path(out.root), INSTANCES) == digests(Path(done.root), INSTANCES)


def test_the_record_says_what_the_weights_hold_and_where_they_lay(done, weights):
    run = segment_run(done)
    digest = models.identity("swin-unet", {"weights": str(weights)})["weights_sha256"]
    assert run.config["weights_sha256"] == digest
    assert run.config["options"] == {"device": "cpu"}
    assert run.summary["options"]["weights"] == str(weights)
    assert run.summary["options"]["weights_sha256"] == digest


def test_moved_weights_are_the_same_configuration(done, weights, tmp_path):
    (tmp_path / "moved").write_bytes(weights.read_bytes())
    stage = SegmentStage("x", settings(weights))
    assert SegmentStage("x", settings(tmp_path / "moved")).identity == stage.identity
    assert SegmentStage("x", settings(tmp_path / "moved")).config() == stage.config()
    how = {"execute": run_in_process, "listener": ignore}
    segment_experiment(done.root, settings(tmp_path / "moved"), **how)


def test_changed_weights_are_another_configuration(done, tmp_path):
    other = tiny_swin(tmp_path / "other.safetensors", seed=1)
    with pytest.raises(ExperimentError, match=r"weights_sha256 was '[0-9a-f]{64}', now '[0-9a-f]{64}'"):
        segment_experiment(done.root, settings(other), execute=run_in_process, listener=ignore)


def test_a_segmenter_without_weights_keeps_the_identity_it_had():
    # Experiments on disk are found by it.
    assert SegmentStage("x", SegmentSettings()).identity == "fceb3c4c3e69abd8"


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (None, InputError, "w: no such weights file"),
        (b"", InputError, "w is empty"),
        (b"PK\x03\x04", InputError, "w is damaged or cut short"),
    ],
)
def test_weights_that_cannot_be_are_known_before_anything_is_written(movie, tmp_path, content, error, said):
    if content is not None:
        (tmp_path / "w").write_bytes(content)
    with pytest.raises(error, match=said):
        segmented(movie, tmp_path / "e.ome.zarr", settings(tmp_path / "w"))
    assert Experiment.open(str(tmp_path / "e.ome.zarr")).levels("instances") == 0


def test_weights_of_another_network_are_known_before_anything_is_written(movie, weights, tmp_path):
    chosen = settings(weights).model_copy(update={"segmenter": "vmamba"})
    with pytest.raises(InputError, match="holds weights of swin-unet, not of vmamba"):
        segmented(movie, tmp_path / "e.ome.zarr", chosen)


def test_weights_that_vanish_from_a_worker_are_one_line(movie, weights, tmp_path):
    copy = tmp_path / "w.safetensors"
    copy.write_bytes(weights.read_bytes())

    def vanishing(step, listener):
        copy.unlink(missing_ok=True) if step.name == "segment" else None
        return run_in_process(step, listener)

    with pytest.raises(InputError, match=r"w\.safetensors: no such weights file"):
        segmented(movie, tmp_path / "e.ome.zarr", settings(copy), vanishing)


def test_a_step_with_a_network_says_what_it_needs(done, tmp_path):
    run = segment_run(done)
    options = {**run.summary["options"], "device": "auto"}
    (whole,) = segment_steps(done, run, "swin-unet", options, None)
    assert (whole.keeps_state, whole.device) == (True, "auto")
    measure, segment, join = segment_steps(done, run, "swin-unet", options, 32)
    assert [step.device for step in (measure, segment, join)] == ["cpu", "auto", "cpu"]
    assert [step.keeps_state for step in (measure, segment, join)] == [False, True, False]
    assert [step.memory_bytes > 0 for step in (measure, segment, join)] == [False, True, False]


def test_measuring_and_joining_load_no_weights(done):
    run = segment_run(done)
    options = {**run.summary["options"], "weights": "/nowhere/w", "weights_sha256": "0" * 64}
    measure, _, _ = segment_steps(done, run, "swin-unet", options, 32)
    assert "stat_empty" in measure.work(measure.items[0])


def test_frames_of_most_cameras_go_whole_to_a_network(done):
    segmenter: Segmenter = models.create("swin-unet", **segment_run(done).summary["options"])
    assert fitting_tile(segmenter) == 2048


def test_label_images_are_made_with_a_network(done, movie, weights, tmp_path):
    movies = stills(str(movie), pixel_size_nm=None)
    assert segment_to_folder(movies, str(tmp_path / "out"), settings(weights), listener=ignore) == 3
    with Image.open(tmp_path / "out" / "frame_000001.png") as image:
        np.testing.assert_array_equal(np.asarray(image), done.read_labels("instances", 1, 2)[0])


def test_label_images_with_weights_that_cannot_be_leave_no_folder(movie, tmp_path):
    movies = stills(str(movie), pixel_size_nm=None)
    with pytest.raises(InputError, match="no such weights file"):
        segment_to_folder(movies, str(tmp_path / "out"), settings(tmp_path / "w"), listener=ignore)
    assert not (tmp_path / "out").exists()
