"""What a release consists of, built once."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from clean_machine import ROOT, uv


@dataclass(frozen=True)
class Release:
    """The sdist, the wheel built from it, and one built from the checkout."""

    sdist: Path
    wheel: Path
    of_the_tree: Path


@pytest.fixture(scope="session")
def release(tmp_path_factory) -> Release:
    """Build a release as ``make dist`` does, and a wheel from the checkout itself."""
    folder, other = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("wheel")
    uv("build", "--quiet", "--out-dir", folder, ROOT)
    uv("build", "--quiet", "--wheel", "--out-dir", other, ROOT)
    (sdist,), (wheel,), (of_the_tree,) = folder.glob("*.tar.gz"), folder.glob("*.whl"), other.glob("*.whl")
    return Release(sdist, wheel, of_the_tree)
