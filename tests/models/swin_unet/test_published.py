import json

import numpy as np
import pytest
import torch

from conformance.fill import uniform
from conformance.states import published_state
from graticule.models.swin_unet import PUBLISHED, SwinUnetConfig, SwinUnetNetwork, published
from graticule.models.swin_unet.published import published_name

SMALL = SwinUnetConfig(embed=8, depths=(1, 2, 3), heads=(1, 2, 4), window=3, patch=2, classes=5)


def as_published(config: SwinUnetConfig) -> dict[str, torch.Tensor]:
    state = SwinUnetNetwork(config).state_dict()
    state["head.output.weight"] = state["head.output.weight"][:, :, None, None]
    return {published_name(name): tensor for name, tensor in state.items()}


def test_the_sizes_are_read_from_the_shapes():
    config, _ = published(as_published(SMALL))
    assert config == SMALL


@pytest.mark.parametrize("prefix", ["", "swin_unet."])
def test_the_values_come_back_by_our_names(prefix):
    theirs = {prefix + name: tensor for name, tensor in as_published(SMALL).items()}
    config, ours = published(theirs)
    SwinUnetNetwork(config).load_state_dict(ours)
    for name, tensor in ours.items():
        assert torch.equal(tensor.flatten(), theirs[prefix + published_name(name)].flatten())


def test_any_missing_key_is_named():
    whole = as_published(SMALL)
    for name in whole:
        with pytest.raises(KeyError, match=name.replace(".", r"\.")):
            published({key: tensor for key, tensor in whole.items() if key != name})


def test_a_key_too_many_is_named():
    with pytest.raises(ValueError, match=r"'layers_up\.1\.extra\.weight'"):
        published(as_published(SMALL) | {"layers_up.1.extra.weight": torch.zeros(3)})


def test_another_networks_weights_are_refused():
    with pytest.raises(KeyError):
        published({"conv.weight": torch.zeros(3)})


@pytest.mark.shared_data
def test_every_published_key_is_used_save_those_that_follow_from_the_sizes(shared_data):
    keys = json.loads((shared_data.parent / "conformance" / "swin_unet.keys.json").read_text())
    config, ours = published(published_state(keys, "a"))
    assert config == PUBLISHED
    rest = set(keys) - {published_name(name) for name in ours}
    assert {name.rpartition(".")[2] for name in rest} == {"attn_mask", "relative_position_index"}


@pytest.mark.shared_data
def test_it_computes_what_the_published_network_computes(shared_data):
    folder = shared_data.parent / "conformance"
    config, ours = published(published_state(json.loads((folder / "swin_unet.keys.json").read_text()), "a"))
    network = SwinUnetNetwork(config).eval()
    network.load_state_dict(ours)
    with np.load(folder / "swin_unet.npz") as vector, torch.inference_mode():
        images = torch.from_numpy(uniform("a", "swin_unet/image", tuple(vector["shape"])))
        answer = network(images)[..., ::4, ::4].numpy()
        np.testing.assert_allclose(answer, vector["logits"], rtol=0, atol=1e-4)
