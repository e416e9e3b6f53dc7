"""A worker or the driver is killed in the middle; the result is what it would have been."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from movies import sintering_tiff
from trees import digests

from .conftest import ROOT, Cluster, graticule


@pytest.fixture(scope="module")
def movie(tmp_path_factory) -> Path:
    return sintering_tiff(tmp_path_factory.mktemp("movie") / "sintering.tif", frames=96, size=512)


@pytest.fixture(scope="module")
def uninterrupted(movie, tmp_path_factory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("whole") / "movie.ome.zarr"
    done = graticule("track", movie, "--out", out)
    assert done.status == 0, done.output
    return digests(out)


def marks(out: Path, step: str) -> int:
    return len(list(out.glob(f"runs/*/marks/{step}.*")))


def wait_for_marks(out: Path, step: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while not marks(out, step):
        assert time.monotonic() < deadline, f"no {step} window was finished in two minutes"
        assert process.poll() is None, "the job ended before it could be interrupted"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("step", ["segment", "relabel"])
def test_a_killed_driver_leaves_an_experiment_that_the_same_command_completes(
    movie, uninterrupted, tmp_path, cluster: Cluster, step
):
    out = tmp_path / "movie.ome.zarr"
    job = subprocess.Popen(
        cluster.command(movie, "--out", out),
        env=cluster.head.environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    wait_for_marks(out, step, job)
    os.kill(driver_of(cluster, out).pid, signal.SIGKILL)
    assert job.wait(timeout=120) != 0
    assert "unfinished" in graticule("export", out, tmp_path / "csv", "--to", "csv").output
    done = cluster.track(movie, "--out", out)
    assert done.status == 0, done.output
    assert digests(out) == uninterrupted


@pytest.mark.slow
def test_a_killed_worker_is_replaced(movie, uninterrupted, tmp_path, cluster: Cluster):
    out = tmp_path / "movie.ome.zarr"
    job = subprocess.Popen(
        cluster.command(movie, "--out", out),
        env=cluster.head.environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    wait_for_marks(out, "segment", job)
    assert kill_a_worker(cluster), "no worker was found to kill"
    assert job.wait(timeout=300) == 0
    assert digests(out) == uninterrupted


def driver_of(cluster: Cluster, out: Path) -> psutil.Process:
    for process, command in commands_below(cluster.head.pid):
        if str(out) in command and "jobs/track_dataset.py" in command and "python" in command[0]:
            return process
    raise AssertionError("no driver found")


def kill_a_worker(cluster: Cluster) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for process, command in commands_below(cluster.head.pid):
            if command[0].startswith("ray::Map("):
                process.send_signal(signal.SIGKILL)
                return True
        time.sleep(0.02)
    return False


def commands_below(pid: int) -> Iterator[tuple[psutil.Process, list[str]]]:
    """Yield the processes below ``pid`` that still live, with their command lines."""
    for process in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.Error):
            command = process.cmdline()
            if command:
                yield process, command
