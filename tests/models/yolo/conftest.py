"""One network for all tests here: importing ultralytics and building it takes a while."""

import pytest
import torch

from benchmarks.bench_margins import calibrated, synthetic_image
from graticule.models.yolo import YoloConfig, YoloSeg


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def network() -> YoloSeg:
    """One class, random weights, normalisation set by a synthetic frame; not to be changed."""
    return calibrated(synthetic_image(256))


@pytest.fixture
def fresh() -> YoloSeg:
    torch.manual_seed(0)
    return YoloSeg(YoloConfig())
