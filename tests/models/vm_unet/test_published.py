"""Published weights answer as they do in the published implementation."""

import importlib.util
import json

import numpy as np
import pytest
import torch

from graticule.models.vm_unet import PUBLISHED, VmUnet, VmUnetConfig
from graticule.models.vm_unet.published import _names, from_published

UNREAD = ("vmunet.layers.3.", "deconv5.", "seg_outs.0.", "seg_outs.1.")


@pytest.fixture(scope="module")
def conformance(shared_data):
    return shared_data.parent / "conformance"


@pytest.fixture(scope="module")
def fill(conformance):
    spec = importlib.util.spec_from_file_location("conformance_fill", conformance / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def state(conformance, fill):
    """A published state dict, with made-up values."""
    keys = json.loads((conformance / "vm_unet_v2.keys.json").read_text())
    return {
        key: torch.from_numpy(fill.filled("a", key, tuple(shape)))
        for key, (dtype, shape) in keys.items()
        if dtype == "float32"
    }


@pytest.mark.shared_data
def test_sizes_are_read_from_shapes(state):
    config, own = from_published(state)
    assert config == PUBLISHED
    VmUnet(config).load_state_dict(own)


@pytest.mark.shared_data
def test_everything_that_reaches_the_output_is_taken(state):
    _, own = from_published(state)
    read = {value.data_ptr() for value in own.values()}
    unread = {key for key, value in state.items() if value.data_ptr() not in read}
    assert unread == {key for key in state if key.startswith(UNREAD)}


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "key",
    [
        "vmunet.patch_embed.proj.weight",
        "vmunet.layers.1.blocks.0.self_attention.Ds",
        "vmunet.layers.2.downsample.reduction.weight",
        "sdi_3.convs.1.bias",
        "Translayer_4.bn.running_var",
        "deconv6.bias",
    ],
)
def test_a_missing_key_is_named(state, key):
    with pytest.raises(KeyError) as refusal:
        from_published({name: value for name, value in state.items() if name != key})
    assert refusal.value.args == (key,)


@pytest.mark.shared_data
def test_the_answer_is_the_published_one(conformance, fill, state):
    vector = np.load(conformance / "vm_unet_v2.npz")
    config, own = from_published(state)
    network = VmUnet(config).eval()
    network.load_state_dict(own)
    image = torch.from_numpy(fill.uniform("a", "vm_unet_v2/image", tuple(vector["shape"])))
    with torch.no_grad():
        ours = network(image)[..., ::4, ::4].numpy()
    stored = vector["logit"]
    assert np.linalg.norm(ours - stored) <= 1e-4 * np.linalg.norm(stored - stored.mean())


def test_other_sizes_are_read_too():
    wanted = VmUnetConfig(dims=(4, 8, 12, 20), depths=(1, 3, 2), d_state=2, mid=3)
    network = VmUnet(wanted)
    config, own = from_published(as_published(network))
    assert config == wanted
    assert own.keys() == network.state_dict().keys()
    assert all(torch.equal(own[name], value) for name, value in network.state_dict().items())


def as_published(network):
    """Return a network's values by the published names."""
    own = network.state_dict()
    return {theirs: own[ours] for ours, theirs in _names(network.config)}
