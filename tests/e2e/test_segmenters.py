"""Every segmenter in a submitted job, and as label images of stills."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule import tracking
from graticule.core.progress import ignore
from graticule.evaluation.instances import score_instances
from graticule.models.registry import DEFAULT
from graticule.pipeline.in_process import run_in_process
from graticule.pipeline.settings import IngestSettings, SegmentSettings
from graticule.pipeline.single import ingest_movie, segment_experiment
from graticule.storage.experiment import Experiment
from graticule.synthetic import simulate
from movies import sintering_tiff
from random_weights import random_weights
from threads import one_thread
from trees import digests
from weights_on_disk import frames

from .conftest import ROOT, Cluster, Finished, run

__all__ = ["one_thread"]

NAMES = ["threshold", "swin-unet", "vmamba", "efficient-sam-ti", "yolov8n-seg"]
LEARNED = NAMES[1:]
FRAMES, CROP, TILE = 3, "0:96,0:64", 64
NOTHING_CHOSEN = '{"env_vars": {"GRATICULE_SEGMENTER": "", "GRATICULE_TRACKER": ""}}'
INSTANCES = ("labels/instances",)
TABLES = ["events", "frames", "particles", "tracks"]


@pytest.fixture(scope="module")
def movie(tmp_path_factory) -> Path:
    return sintering_tiff(tmp_path_factory.mktemp("movie") / "movie.tif", frames=FRAMES, size=96)


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "out.ome.zarr"


@pytest.fixture(scope="module")
def in_a_plain_loop(lively, movie, tmp_path_factory) -> Callable[[str], Experiment]:
    """Segment the movie with a case's segmenter in this process, without tiles."""

    def segmented(case: str) -> Experiment:
        name, options = lively(case)
        how = {"execute": run_in_process, "listener": ignore}
        out = tmp_path_factory.mktemp("loop") / "loop.ome.zarr"
        root = ingest_movie(str(movie), str(out), IngestSettings(crop=CROP), **how).root
        return segment_experiment(root, SegmentSettings(segmenter=name, options=options), **how)

    return segmented


def arguments(name: str, options: dict) -> list[str]:
    """Return a segmenter's options as a command line has them."""
    given = [f"--option={key}={value}" for key, value in options.items() if key != "weights"]
    return ["--segmenter", name, *(["--weights", options["weights"]] if "weights" in options else []), *given]


def one_line(done: Finished) -> str:
    assert done.status == 1, done.output
    assert "Traceback" not in done.output
    assert len(done.error_lines) == 1, done.output
    return done.error_lines[0]


# A submitted job


@pytest.mark.slow
@pytest.mark.parametrize("case", NAMES)
def test_a_job_of_two_workers_and_tiles_gives_the_bytes_of_a_plain_loop(
    cluster: Cluster, in_a_plain_loop, lively, movie, out, case
):
    before = {actor["actor_id"] for actor in cluster.actors()}
    chosen = [*arguments(*lively(case)), "--crop", CROP, "--tile", TILE, "--workers", 2]
    done = cluster.track(movie, "--out", out, *chosen)
    assert done.status == 0, done.output
    assert digests(out, INSTANCES) == digests(Path(in_a_plain_loop(case).root), INSTANCES)
    experiment = Experiment.open(str(out))
    assert sorted(file.stem for file in (out / "tables").iterdir()) == TABLES
    assert experiment.read_table("particles").num_rows >= FRAMES
    assert (out / "report" / "index.html").exists()
    workers = [a for a in cluster.actors() if "_Worker" in a["class_name"] and a["actor_id"] not in before]
    assert len(workers) == (0 if case == "threshold" else 2)


@pytest.mark.slow
def test_a_worker_reads_its_weights_once(cluster: Cluster, in_a_plain_loop, lively, movie, out, tmp_path):
    name, options = lively("vmamba")
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(Path(options["weights"]).read_bytes())
    chosen = [*arguments(name, {**options, "weights": str(weights)}), "--crop", CROP, "--tile", 48]
    job = subprocess.Popen(
        cluster.command(movie, "--out", out, *chosen, "--workers", 1),
        env=cluster.head.environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    wait_for_a_window(out, job)
    weights.unlink()
    # Of four windows one is done and one may be at work already; the others have yet to begin.
    assert len(windows(out)) <= 2, "the job was too fast: nothing was left to do without weights"
    assert job.wait(timeout=120) == 0
    assert digests(out, INSTANCES) == digests(Path(in_a_plain_loop("vmamba").root), INSTANCES)


def windows(out: Path) -> list[Path]:
    return list(out.glob("runs/*/marks/segment.*.npz"))


def wait_for_a_window(out: Path, job: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while not windows(out):
        assert time.monotonic() < deadline, "no window was finished in two minutes"
        assert job.poll() is None, "the job ended before its weights were taken away"
        time.sleep(0.02)


# Weights that cannot be


@pytest.fixture(scope="module")
def bad_weights(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bad")
    sound = random_weights(folder / "sound.safetensors", "efficient-sam-ti", width=24, depth=1)
    (folder / "cut.safetensors").write_bytes(sound.read_bytes()[: sound.stat().st_size // 2])
    (folder / "notes.safetensors").write_text("10:02 stage moved\n" * 200)
    names = ("missing", "sound", "cut", "notes")
    return {name: folder / f"{name}.safetensors" for name in names} | {"folder": folder}


SAID = {
    "missing": "missing.safetensors: no such weights file",
    "sound": "sound.safetensors holds weights of efficient-sam-ti, not of swin-unet",
    "cut": "cut.safetensors is damaged or cut short",
    "notes": "notes.safetensors",
    "folder": "is a folder",
}


def test_a_submitted_job_names_weights_of_another_network(cluster: Cluster, bad_weights, movie, out):
    done = cluster.track(movie, "--out", out, "--segmenter", "swin-unet", "--weights", bad_weights["sound"])
    assert SAID["sound"] in one_line(done)
    assert not out.exists()


@pytest.mark.parametrize("kind", SAID)
def test_weights_that_cannot_be_are_named_before_anything_is_made(
    command_without_ray, bad_weights, movie, out, kind
):
    chosen = ["--segmenter", "swin-unet", "--weights", bad_weights[kind]]
    assert SAID[kind] in one_line(command_without_ray("track", movie, "--out", out, *chosen))
    assert not out.exists()


@pytest.mark.parametrize("name", LEARNED)
@pytest.mark.parametrize("weights", [[], ["--weights", "builtin"]], ids=["left out", "builtin"])
def test_a_network_that_ships_no_weights_says_so_before_anything_is_made(
    command_without_ray, nothing_shipped, movie, out, name, weights
):
    line = one_line(command_without_ray("track", movie, "--out", out, "--segmenter", name, *weights))
    assert f"{name} ships no weights in this version; give --weights FILE" in line
    assert not out.exists()


# The default


@pytest.mark.slow
def test_a_submitted_job_that_chooses_nothing_finds_particles_by_the_default(cluster: Cluster, out, tmp_path):
    (simulated,) = simulate("medium", frames=1, size=192, seed=700_002)
    Image.fromarray(simulated.image).save(tmp_path / "still.png")
    command = cluster.command(tmp_path / "still.png", "--out", out)
    command[command.index("--") : command.index("--")] = ["--runtime-env-json", NOTHING_CHOSEN]
    done = run(command, env=cluster.head.environment, timeout=500)
    assert done.status == 0, done.output
    [configuration] = (out / "runs").glob("segment-*/config.json")
    assert json.loads(configuration.read_text())["segmenter"] == DEFAULT
    [configuration] = (out / "runs").glob("link-*/config.json")
    assert json.loads(configuration.read_text())["tracker"] == tracking.DEFAULT
    labels = Experiment.open(str(out)).read_labels("instances", 0, 1)[0].astype(np.int64)
    assert score_instances(labels, simulated.labels.astype(np.int64)).f1 > 0.8


# Label images


def stills(folder: Path) -> dict[str, tuple[int, int]]:
    """Write stills of several sizes and kinds into a folder; return height and width by name."""
    folder.mkdir()
    grey = frames(1, size=96)[0]
    Image.fromarray(grey).save(folder / "grey.png")
    Image.fromarray(grey[:50, :70].astype(np.uint16) * 256).save(folder / "deep.png")
    Image.fromarray(np.stack([grey[:64, :40]] * 3, axis=2)).save(folder / "colour.png")
    Image.fromarray(np.full((30, 20), 7, np.uint8)).save(folder / "blank.png")
    return {"grey": (96, 96), "deep": (50, 70), "colour": (64, 40), "blank": (30, 20)}


@pytest.mark.parametrize("case", NAMES)
def test_stills_of_different_sizes_have_label_images(command_without_ray, lively, tmp_path, case):
    sizes = stills(tmp_path / "stills")
    done = command_without_ray(
        "segment", tmp_path / "stills", "--out", tmp_path / "labels", *arguments(*lively(case))
    )
    assert done.status == 0, done.output
    labels = {name: np.asarray(Image.open(tmp_path / "labels" / f"{name}.png")) for name in sizes}
    assert {name: image.shape for name, image in labels.items()} == sizes
    assert labels["grey"].max() > 0
    assert labels["blank"].max() == 0


@pytest.mark.parametrize("case", NAMES)
def test_a_colour_picture_has_the_labels_of_the_same_in_grey(command_without_ray, lively, tmp_path, case):
    grey = frames(1, size=64)[0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(np.stack([grey] * 3, axis=2)).save(tmp_path / "colour.png")
    for name in ("grey", "colour"):
        done = command_without_ray(
            "segment", tmp_path / f"{name}.png", "--out", tmp_path / name, *arguments(*lively(case))
        )
        assert done.status == 0, done.output
    one, other = (np.asarray(Image.open(tmp_path / name / f"{name}.png")) for name in ("grey", "colour"))
    assert one.max() > 0
    assert np.array_equal(one, other)
