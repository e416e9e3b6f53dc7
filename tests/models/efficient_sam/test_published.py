import json

import pytest
import torch

from graticule.models.architecture import architecture
from graticule.models.efficient_sam import EfficientSamConfig, EfficientSamNetwork
from graticule.models.efficient_sam.published import KINDS, published, published_name

SIZES = EfficientSamConfig(width=64, depth=2, heads=1)


def published_state(config=SIZES):
    """The weights of a random network in the published layout, and the network."""
    torch.manual_seed(0)
    made = EfficientSamNetwork(config)
    ours = made.state_dict()
    kinds = ours.pop("prompts.kinds")
    state = {published_name(name): value for name, value in ours.items()}
    rows = {f"prompt_encoder.{kind}.weight": kinds[i : i + 1] for i, kind in enumerate(KINDS)}
    return state | rows, made


def test_a_published_state_becomes_the_network_it_came_from():
    state, made = published_state()
    config, ours = published(state)
    assert config == SIZES
    assert ours.keys() == made.state_dict().keys()
    for name, value in made.state_dict().items():
        assert torch.equal(ours[name], value), name


@pytest.mark.parametrize(
    "missing",
    [
        "image_encoder.patch_embed.proj.weight",
        "image_encoder.blocks.1.mlp.fc2.bias",
        "prompt_encoder.point_embeddings.weight",
        "mask_decoder.iou_prediction_head.fc.weight",
    ],
)
def test_a_missing_key_is_named(missing):
    state, _ = published_state()
    del state[missing]
    with pytest.raises(KeyError, match=missing.replace(".", r"\.")):
        published(state)


def test_what_has_no_place_keeps_its_name():
    state, _ = published_state()
    _, ours = published(state | {"extra.weight": torch.zeros(1)})
    assert "extra.weight" in ours


@pytest.mark.shared_data
def test_all_published_keys_have_a_place_of_their_shape(shared_data):
    listed = json.loads((shared_data.parent / "conformance" / "efficient_sam_ti.keys.json").read_text())
    state = {name: torch.empty(shape, device="meta") for name, (_, shape) in listed.items()}
    config, ours = published(state)
    with torch.device("meta"):
        expected = EfficientSamNetwork(config).state_dict()
    assert config == EfficientSamConfig()
    assert {name: value.shape for name, value in ours.items()} == {
        name: value.shape for name, value in expected.items()
    }


def test_it_is_known_by_name():
    found = architecture("efficient-sam-ti")
    assert (found.native_size, found.licence) == (1024, "Apache-2.0")
    assert found.config() == EfficientSamConfig()
