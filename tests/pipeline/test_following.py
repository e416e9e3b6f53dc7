"""A tracker that follows windows goes through the link stage: in a loop or on Ray, the same bytes."""

from pathlib import Path

import pytest
import torch

from graticule.core.errors import ConfigError, InputError
from graticule.core.progress import ignore
from graticule.models.weights import save_weights
from graticule.pipeline.in_process import run_in_process
from graticule.pipeline.on_ray import RunOnRay
from graticule.pipeline.settings import IngestSettings, LinkSettings, SegmentSettings
from graticule.pipeline.single import ingest_movie, link_experiment, segment_experiment
from graticule.storage.experiment import Experiment
from graticule.tracking.deaot import DeAOT, DeAOTConfig
from local_ray import local_ray
from movies import sintering_tiff
from threads import one_thread
from trees import digests

__all__ = ["one_thread"]

LINKED = ("labels/tracks", "tables", "tracks.geff")


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return random_weights(tmp_path_factory.mktemp("weights") / "deaot.safetensors", seed=0)


def random_weights(path: Path, *, seed: int) -> Path:
    torch.manual_seed(seed)
    config = DeAOTConfig()
    save_weights(path, "deaot-t", config, DeAOT(config))
    return path


def settings(weights: Path, **more) -> LinkSettings:
    small = {"window_frames": 4, "kept_frames": 2, "window_px": 64, "diameter_px": 16}
    return LinkSettings(tracker="deaot", options={"weights": str(weights), "device": "cpu", **small, **more})


@pytest.fixture
def segmented(tmp_path) -> Experiment:
    movie = sintering_tiff(tmp_path / "movie.tif", frames=8, size=96)
    how = {"execute": run_in_process, "listener": ignore}
    root = ingest_movie(str(movie), str(tmp_path / "e.ome.zarr"), IngestSettings(), **how).root
    return segment_experiment(root, SegmentSettings(segmenter="threshold"), **how)


def linked(experiment: Experiment, chosen: LinkSettings, execute=run_in_process) -> dict[str, str]:
    link_experiment(experiment.root, chosen, execute=execute, listener=ignore, overwrite=True)
    return digests(Path(experiment.root), LINKED)


def run_of(experiment: Experiment):
    (run_id,) = (name for name in experiment.runs() if name.startswith("link-"))
    return experiment.run(run_id)


@pytest.mark.slow
def test_workers_on_ray_give_the_same_bytes_as_a_plain_loop(segmented, weights):
    plain = linked(segmented, settings(weights))
    with local_ray():
        assert linked(segmented, settings(weights), RunOnRay(workers=2)) == plain


def test_the_record_says_what_the_weights_hold(segmented, weights):
    linked(segmented, settings(weights))
    options = run_of(segmented).config["options"]
    assert len(options["weights_sha256"]) == 64
    assert "weights" not in options


def test_moved_weights_are_the_same_run_and_others_are_not(segmented, weights, tmp_path):
    linked(segmented, settings(weights))
    before = run_of(segmented).run_id
    linked(segmented, settings(weights.rename(weights.with_name("moved.safetensors"))))
    assert run_of(segmented).run_id == before
    linked(segmented, settings(random_weights(tmp_path / "other.safetensors", seed=1)))
    assert run_of(segmented).run_id != before
    weights.with_name("moved.safetensors").rename(weights)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"window_frames": 2}, r"window_frames must be more than kept_frames \(2\), got 2"),
        ({"memory_views": 0}, "memory_views"),
        ({"reach_radii": -1}, "reach_radii"),
        ({"reach": 1}, "reach"),
        ({"device": "cuda:9"}, "no device 'cuda:9'"),
    ],
)
def test_options_that_cannot_be_are_refused_in_one_line(segmented, weights, more, said):
    with pytest.raises(ConfigError, match=said) as caught:
        linked(segmented, settings(weights, **more))
    assert "\n" not in str(caught.value)


def test_without_shipped_weights_it_says_how_to_give_some(segmented, nothing_shipped):
    with pytest.raises(ConfigError, match="--tracker-option weights=FILE"):
        linked(segmented, LinkSettings(tracker="deaot"))


def test_weights_that_are_not_there_are_named(segmented, tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.safetensors"):
        linked(segmented, settings(tmp_path / "nowhere.safetensors"))
