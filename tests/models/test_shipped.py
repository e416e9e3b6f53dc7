"""The weights that ship: all there, small enough, and of use on frames that they were not trained on."""

from pathlib import Path

import numpy as np
import pytest
import torch

from graticule.core.segmenter import Patch
from graticule.core.window import whole
from graticule.evaluation.instances import score_instances
from graticule.models import adapt, create
from graticule.models.architecture import ARCHITECTURES, TRACKERS
from graticule.models.registry import DEFAULT, SEGMENTERS, WITHOUT_NETWORK
from graticule.models.weights import BUILTIN_FOLDER, has_builtin, load_network
from graticule.synthetic import simulate

MIB = 2**20
NETWORKS = sorted(ARCHITECTURES)
SHIPPED = [*NETWORKS, *(name for name in TRACKERS if has_builtin(name))]
SEED = 700_001


@pytest.fixture(scope="module")
def frame():
    """A frame whose seed no training and no benchmark has."""
    (simulated,) = simulate("medium", frames=1, size=384, seed=SEED)
    return simulated


def found(name, image, **options):
    made = create(name, **adapt(name, options, [image]))
    patch = Patch(pixels=image[None], trusted=whole(image.shape))
    return made.segment(patch, [made.measure(image)]).labels[0].astype(np.int64)


def files(*names: str) -> list[Path]:
    return sorted(path for name in names for path in BUILTIN_FOLDER.glob(f"{name}.safetensors*"))


def size(*names: str) -> int:
    return sum(path.stat().st_size for path in files(*names))


def test_every_segmenter_with_a_network_ships_weights():
    assert all(has_builtin(name) for name in NETWORKS)


@pytest.mark.parametrize("name", SHIPPED)
def test_weights_ship_in_half_precision(name):
    parameters = list(load_network(name, "builtin").parameters())
    assert all(value.isfinite().all() for value in parameters)
    # two bytes a number, and some for batch normalisation's counts and the header
    assert size(name) < 2.1 * sum(value.numel() for value in parameters)


def test_the_files_are_small_enough_for_a_repository():
    assert max(path.stat().st_size for path in files(*SHIPPED)) <= 15 * MIB
    assert size(*NETWORKS) <= 40 * MIB
    assert size(*TRACKERS) <= 15 * MIB


@pytest.mark.parametrize("name", SHIPPED)
def test_a_card_says_what_the_weights_are(name):
    card = (BUILTIN_FOLDER / f"{name}.md").read_text()
    for part in ("## Data", "## Training", "seconds on", "## Measured", "## Known failures"):
        assert part in card
    assert f"python infra/train_weights.py {name}" in card
    assert not [place for place in ("/tmp", "/work", "/root", "/home") if place in card]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_shipped_weights_find_particles_in_a_frame_that_is_new_to_them(name, frame):
    torch.set_num_threads(1)
    score = score_instances(found(name, frame.image), frame.labels.astype(np.int64))
    assert score.f1 > 0.8, score


def test_the_default_needs_no_extra_and_ships_weights():
    assert DEFAULT in SEGMENTERS
    assert DEFAULT not in {*WITHOUT_NETWORK, "yolov8n-seg"}
    assert has_builtin(DEFAULT)
