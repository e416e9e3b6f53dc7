"""What all tests share: shapes are checked, real data is found or its tests are skipped."""

import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from jaxtyping import install_import_hook

_hook = install_import_hook("graticule", "beartype.beartype")

# Before any test imports Ray.
from graticule.core import ray_metrics  # noqa: E402

ray_metrics.leave_off()

# No test fails for its time: a machine may be busy. CI tries the same examples each time, so that a change is
# judged and not the draw.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "house")

# Where a test does not choose, those that learnt nothing: they are fast, and find the same anywhere.
os.environ["GRATICULE_SEGMENTER"] = "threshold"
os.environ["GRATICULE_TRACKER"] = "overlap"

ALONE = (
    "docs/test_commands.py",
    "e2e/",
    "infra/test_runtime_env.py",
    "infra/test_monitoring_live.py",
    "pipeline/test_following.py",
    "pipeline/test_network.py",
    "pipeline/test_on_ray.py",
    "release/built/",
    "security/test_a_day.py",
    "serve/test_on_serve.py",
    "slurm/test_on_slurm.py",
    "training/comparison/test_memory.py",
    "training/test_distributed.py",
    "training/test_distributed_comparing.py",
    "training/test_served_model.py",
    "training/test_tracker_run.py",
)
"""A Ray each, or a measurement: two of them at a time take longer than one after the other."""

SHARED = Path(os.environ.get("GRATICULE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real microscopy data."""
    return SHARED


@pytest.fixture(scope="session")
def lively(tmp_path_factory) -> Callable[[str], tuple[str, dict[str, Any]]]:
    """Give a segmenter's name and options that find something, by case of :mod:`weights_on_disk`."""
    folder = tmp_path_factory.mktemp("lively")

    @cache
    def make(case: str) -> tuple[str, dict[str, Any]]:
        from weights_on_disk import CASES

        return CASES[case](folder)

    return make


@pytest.fixture
def nothing_shipped(tmp_path, monkeypatch) -> None:
    """A graticule of which no network ships weights."""
    monkeypatch.setattr(import_module("graticule.models.weights.locate"), "BUILTIN_FOLDER", tmp_path / "none")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start a Ray of their own; skip those whose real data is not here."""
    for item in items:
        if item.path.relative_to(Path(__file__).parent).as_posix().startswith(ALONE):
            item.add_marker("alone")
    if SHARED.is_dir():
        return
    skip = pytest.mark.skip(reason=f"no real data at {SHARED}; set GRATICULE_SHARED_DATA")
    for item in items:
        if "shared_data" in item.keywords:
            item.add_marker(skip)
