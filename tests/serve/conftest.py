"""A server in this process, and images to send to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from fastapi.testclient import TestClient

from endpoint import SMALL
from graticule.synthetic import simulate
from page_in_chromium import Server, chromium, serving
from serve.local import local_api


@pytest.fixture(scope="session", autouse=True)
def home_of_its_own(tmp_path_factory) -> Iterator[Path]:
    """Nobody's registry is asked."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("GRATICULE_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield folder


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A server without a token, and small limits."""
    with TestClient(local_api(SMALL), raise_server_exceptions=False) as server:
        yield server


@pytest.fixture(scope="session")
def frame() -> np.ndarray:
    """A simulated frame of 128 x 128 px, 8 bits."""
    [only] = simulate("easy", frames=1, size=128, seed=5)
    return (only.image / only.image.max() * 250).astype(np.uint8)


@pytest.fixture(scope="session")
def png(frame) -> bytes:
    """It as a PNG."""
    return bytes(imagecodecs.png_encode(frame))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The application with its page, in a thread."""
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, without a window."""
    with chromium() as running:
        yield running
