"""A cluster of Slurm's stand-ins, for all tests of a module."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .allocations import Cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """Stand-ins that know nothing of others."""
    folder = tmp_path_factory.mktemp("slurm")
    scratch = Path(tempfile.mkdtemp(prefix="sl", dir="/tmp"))  # a short path
    try:
        yield Cluster(state=folder / "state", scratch=scratch, logs=folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
