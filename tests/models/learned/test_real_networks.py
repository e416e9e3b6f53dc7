import pickle
from math import ceil

import numpy as np
import pytest
import torch

from graticule.core.errors import InputError
from graticule.models.architecture import architecture
from graticule.models.learned.fitting import MAGNIFIED
from graticule.models.learned.options import LearnedOptions
from graticule.models.swin_unet.segmenter import SwinUnet
from graticule.models.vm_unet.segmenter import Vmamba
from graticule.models.weights import save_weights
from models.learned.networks import scene, whole

SMALL = {
    SwinUnet: {"embed": 12, "distance": True},
    Vmamba: {"dims": (8, 16, 32, 64), "depths": (1, 1, 1), "mid": 4, "d_state": 2, "distance": True},
}
KINDS = pytest.mark.parametrize("kind", list(SMALL))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    for kind, sizes in SMALL.items():
        made = architecture(kind.name)
        config = made.config(**sizes)
        torch.manual_seed(0)
        save_weights(folder / f"{kind.name}.safetensors", kind.name, config, made.build(config))
    return folder


def fitted(kind, folder, frame, **options):
    asked = LearnedOptions(weights=str(folder / f"{kind.name}.safetensors"), **options)
    return kind(kind.adapted(asked, [frame]))


def segment(segmenter, frame):
    return segmenter.segment(whole(frame[None]), [segmenter.measure(frame)])


@KINDS
def test_it_loads_its_weights_in_the_process_that_segments(kind, weights):
    frame = scene(0, shape=(60, 50), particles=3)
    segmenter = fitted(kind, weights, frame)
    assert segmenter.view_px == ceil(kind.default_view_px / MAGNIFIED)
    sent = pickle.loads(pickle.dumps(segmenter))
    found = segment(sent, frame)
    assert found.labels.shape == (1, 60, 50)
    assert np.array_equal(segment(segmenter, frame).foreground, found.foreground)
    assert len(pickle.dumps(sent)) < 2000


@KINDS
def test_it_tells_a_centre_distance_if_its_weights_do(kind, weights):
    frame = scene(1, shape=(60, 50), particles=3)
    segmenter = fitted(kind, weights, frame)
    answer = segmenter.logits(whole(frame[None]), [segmenter.measure(frame)])
    assert answer.distance.min() >= 0
    assert answer.distance.max() <= 1


@KINDS
def test_half_precision_answers_much_the_same(kind, weights):
    frame = scene(2, shape=(60, 50), particles=3)
    full = segment(fitted(kind, weights, frame), frame).foreground
    half = segment(fitted(kind, weights, frame, dtype="bfloat16"), frame).foreground
    assert np.abs(full - half).mean() < 0.03


@KINDS
def test_weights_that_changed_since_they_were_adapted_are_refused(kind, weights):
    frame = scene(3, shape=(60, 50), particles=3)
    segmenter = fitted(kind, weights, frame, weights_sha256="0" * 64)
    with pytest.raises(InputError, match="sha256"):
        segment(segmenter, frame)


@KINDS
def test_weights_of_another_network_are_refused(kind, weights):
    other = next(k for k in SMALL if k is not kind)
    frame = scene(4, shape=(60, 50), particles=3)
    with pytest.raises(InputError, match=other.name):
        segment(kind(LearnedOptions(weights=str(weights / f"{other.name}.safetensors"))), frame)
