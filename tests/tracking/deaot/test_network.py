import copy

import pytest
import torch

from graticule.tracking.deaot import ARCHITECTURE, DeAOT, DeAOTConfig
from graticule.tracking.deaot.config import VARIANTS
from graticule.tracking.deaot.folded import folded
from graticule.tracking.deaot.network import joined, normalised
from graticule.tracking.deaot.published import published, published_name

FROZEN = {"mobilenet_v2": 34_112, "resnet50": 30_592}
"""Scale and shift of the encoders' normalisation, which the published code counts as frozen."""


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return DeAOT(DeAOTConfig()).eval()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("deaot-t", 7_238_188),
        ("deaot-s", 10_202_765),
        ("deaot-b", 13_167_342),
        ("deaot-l", 13_167_342),
        ("r50-deaot-l", 19_814_894),
    ],
)
def test_each_variant_has_as_many_parameters_as_published(name, parameters):
    config = VARIANTS[name]
    with torch.device("meta"):
        made = DeAOT(config)
    normalisation = [
        p.numel()
        for module in made.encoder.modules()
        if isinstance(module, torch.nn.BatchNorm2d)
        for p in module.parameters()
    ]
    assert sum(normalisation) == FROZEN[config.encoder]
    assert sum(p.numel() for p in made.parameters()) - sum(normalisation) == parameters


@torch.inference_mode()
def test_logits_are_at_a_quarter_of_the_image(network):
    features = network.encode(normalised(torch.rand(1, 1, 33, 49)))
    assert features.grid == (3, 4)
    slots = torch.zeros(1, 11, 33, 49)
    slots[:, 0] = 1
    seen = network.reference(features, network.identify(slots))
    assert network.decode(seen, features).shape == (1, 11, 9, 13)


@torch.inference_mode()
def test_a_memory_said_twice_says_no_more(network):
    features = network.encode(normalised(torch.rand(1, 1, 33, 33)))
    identity = network.identify(torch.rand(1, 11, 33, 33))
    memory = network.remember(network.reference(features, identity), identity)
    once = network.look(features, long=memory, short=memory)
    twice = network.look(features, long=joined([memory, memory]), short=memory)
    assert torch.allclose(once.tokens, twice.tokens, atol=1e-5)


@torch.inference_mode()
def test_folding_changes_answers_by_rounding_alone(network):
    images = normalised(torch.rand(1, 1, 49, 49))
    ready = folded(copy.deepcopy(network))
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in ready.modules())
    assert torch.allclose(network.encode(images).tokens, ready.encode(images).tokens, atol=1e-5)


def test_published_names_lead_back_to_the_same_tensors(network):
    theirs = {published_name(name): value for name, value in network.state_dict().items()}
    assert len(theirs) == len(network.state_dict())
    config, ours = published(theirs)
    assert config == DeAOTConfig()
    assert all(torch.equal(value, ours[name]) for name, value in network.state_dict().items())


def test_a_checkpoint_of_another_network_is_refused_by_its_first_odd_key(network):
    theirs = {published_name(name): value for name, value in network.state_dict().items()}
    with pytest.raises(ValueError, match="pos_emb"):
        published({**theirs, "pos_emb": torch.zeros(1)})
    with pytest.raises(KeyError, match=r"LSTT\.layers\.0"):
        published({"conv.weight": torch.zeros(1)})


def test_the_architecture_builds_the_network():
    assert isinstance(ARCHITECTURE.build(DeAOTConfig(slots=2)), DeAOT)
