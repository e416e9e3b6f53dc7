"""Small folders of labelled images, and an MLflow of the tests' own."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.synthetic import simulate

SIZE = 96


def write_images(folder: Path, *, count: int, size: int = SIZE, parted: bool = True, seed: int = 0) -> Path:
    """Write simulated frames beside their instance maps, or beside masks alone."""
    kind = "instances" if parted else "masks"
    for part in ("images", kind):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(simulate("easy", frames=count, size=size, seed=seed)):
        grey = (frame.image / frame.image.max() * 250).astype(np.uint8)
        truth = frame.labels.astype(np.uint16) if parted else ((frame.labels > 0) * 255).astype(np.uint8)
        Image.fromarray(grey).save(folder / "images" / f"image_{number}_{size}.png")
        Image.fromarray(truth).save(folder / kind / f"image_{number}_{size}.png")
    return folder


@pytest.fixture(scope="session")
def parted(tmp_path_factory) -> Path:
    """Three images whose touching particles have labels of their own."""
    return write_images(tmp_path_factory.mktemp("data") / "parted", count=3)


@pytest.fixture(scope="session")
def masks(tmp_path_factory) -> Path:
    """Two images with no more than a foreground."""
    return write_images(tmp_path_factory.mktemp("data") / "masks", count=2, parted=False, seed=1)


@pytest.fixture(scope="session")
def swin(tmp_path_factory) -> Path:
    """Weights of a network that has learnt nothing."""
    from random_weights import tiny_swin

    return tiny_swin(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Where a module's runs and models are kept."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True, scope="module")
def at_home(home) -> Iterator[Path]:
    """Nothing comes near the user's own registry."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRATICULE_HOME", str(home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield home
