"""Small experiments, a tiny file system, and a real S3 server."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from buckets import bucket, s3_server
from graticule.core.calibration import Calibration
from graticule.storage.experiment import Experiment

__all__ = ["bucket", "s3_server"]


@pytest.fixture
def movie() -> np.ndarray:
    """Twenty noisy frames of 300 x 280 px."""
    return np.random.default_rng(0).poisson(90, (20, 300, 280)).astype(np.uint8)


@pytest.fixture
def discs() -> np.ndarray:
    """Instance labels for those frames: a few discs, one frame without any."""
    y, x = np.mgrid[:300, :280]
    labels = np.zeros((20, 300, 280), np.uint32)
    for t in range(19):
        for number in range(1, 6):
            labels[t][(y - 50 * number) ** 2 + (x - 40 * number - t) ** 2 < 15**2] = number
    return labels


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Experiment]:
    """Create an experiment; by default 20 frames of 300 x 280 px, calibrated."""

    def create(root: str | Path = tmp_path / "movie.ome.zarr", **changes: object) -> Experiment:
        values: dict[str, object] = {
            "name": "movie",
            "shape": (20, 300, 280),
            "dtype": np.uint8,
            "calibration": Calibration(pixel_size_nm=0.5, frame_interval_s=0.25),
        }
        return Experiment.create(str(root), **(values | changes))

    return create


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs is not permitted here (needs root)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
