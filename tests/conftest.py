"""What all tests share: shapes are checked, real data is found or its tests are skipped."""

import os
from pathlib import Path

import hypothesis
import pytest
from jaxtyping import install_import_hook

_hook = install_import_hook("graticule", "beartype.beartype")

# CI tries the same examples each time, so that a change is judged and not the draw.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")

SHARED = Path(os.environ.get("GRATICULE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real microscopy data."""
    return SHARED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that need the real data where there is none."""
    if SHARED.is_dir():
        return
    skip = pytest.mark.skip(reason=f"no real data at {SHARED}; set GRATICULE_SHARED_DATA")
    for item in items:
        if "shared_data" in item.keywords:
            item.add_marker(skip)
