"""Training as a user submits it to a cluster: killed or not, the same weights, which segmenters use."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from labelled_images import labelled_folder
from local_head import BIN

from .conftest import ROOT, Cluster, Finished, run
from .test_interruption import commands_below

OPTIONS = [
    *("--model", "vmamba", "--data", "synthetic:easy", "--no-register", "--validated", 1),
    *("--epochs", 3, "--steps", 3, "--batch", 4, "--size", 32, "--start", "random", "--set", "warmup=1"),
    *("--set", "config.dims=[8,16,32,64]", "--set", "config.depths=[1,1,1]"),
    *("--set", "config.mid=4", "--set", "config.d_state=2", "--workers", 2),
]


def command(cluster: Cluster, out: Path | str) -> list[str]:
    submit = [str(BIN / "ray"), "job", "submit", "--address", cluster.head.address, "--", "python"]
    return [*submit, "jobs/train_segmenter.py", "--out", str(out), *map(str, OPTIONS)]


def submit(cluster: Cluster, out: Path | str) -> Finished:
    return run(command(cluster, out), env=cluster.head.environment, timeout=300)


@pytest.fixture(scope="module")
def trained(cluster, tmp_path_factory) -> tuple[Path, str]:
    """A result, and what its job said."""
    out = tmp_path_factory.mktemp("trained")
    done = submit(cluster, out)
    assert done.status == 0, done.output
    return out / "vmamba", done.output


@pytest.mark.slow
def test_a_submitted_job_says_an_epoch_a_line_and_nothing_of_the_machinery(trained):
    _, output = trained
    said = output.partition("Running entrypoint")[2].splitlines()[1:]
    own = [line for line in said if line.startswith(("graticule: ", "vmamba: ", "weights: ", "card: "))]
    others = [
        line for line in said if line and line not in own and "raysubmit" not in line and "---" not in line
    ]
    assert sum("epoch " in line for line in own) == 3
    assert not [line for line in others if "cli.py" not in line and "sdk.py" not in line]


@pytest.mark.slow
def test_a_segmenter_uses_the_weights_of_a_submitted_job(trained, command_without_ray, tmp_path):
    folder, _ = trained
    images = labelled_folder(tmp_path / "set", count=1) / "images"
    using = ["--segmenter", "vmamba", "--weights", folder / "weights.safetensors"]
    done = command_without_ray("segment", images, "--out", tmp_path / "found", *using)
    assert done.status == 0, done.output
    assert (tmp_path / "found" / "0.png").is_file()


@pytest.mark.slow
def test_a_job_whose_driver_was_killed_goes_on_when_it_is_submitted_again(trained, cluster, tmp_path):
    job = subprocess.Popen(
        command(cluster, tmp_path), env=cluster.head.environment, cwd=ROOT, stdout=subprocess.DEVNULL
    )
    wait_for_a_checkpoint(tmp_path / "vmamba" / "state", job)
    kill_driver(cluster, tmp_path)
    assert job.wait(timeout=120) != 0
    done = submit(cluster, tmp_path)
    assert done.status == 0, done.output
    assert "epoch 1/3" not in done.output
    assert losses(tmp_path / "vmamba") == pytest.approx(losses(trained[0]), abs=1e-6)
    whole, resumed = (
        load_file(folder / "weights.safetensors") for folder in (trained[0], tmp_path / "vmamba")
    )
    assert whole.keys() == resumed.keys()
    assert all(abs(whole[name] - resumed[name]).max() < 1e-6 for name in whole)


def losses(folder: Path) -> list[float]:
    return [epoch["losses"]["loss"] for epoch in json.loads((folder / "history.json").read_text())]


def wait_for_a_checkpoint(state: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while not (state / "checkpoint_manager_snapshot.json").exists():
        assert time.monotonic() < deadline, "no epoch was finished in two minutes"
        assert process.poll() is None, "the job ended before it could be killed"
        time.sleep(0.02)


def kill_driver(cluster: Cluster, out: Path) -> None:
    for process, words in commands_below(cluster.head.pid):
        if str(out) in words and "jobs/train_segmenter.py" in words and "python" in words[0]:
            os.kill(process.pid, signal.SIGKILL)
            return
    raise AssertionError("no driver found")
