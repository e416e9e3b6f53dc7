from copy import deepcopy

import pytest
import torch

from graticule.core.errors import InputError
from graticule.models.architecture import architecture
from graticule.models.yolo import ARCHITECTURE, YoloConfig, YoloSeg, convert_pickle, published


def published_state(network: YoloSeg) -> dict[str, torch.Tensor]:
    return dict(network.network.state_dict())


def test_it_is_found_by_its_name():
    assert architecture("yolov8n-seg") is ARCHITECTURE


@pytest.mark.parametrize("classes", [1, 80])
def test_a_published_state_dict_makes_the_same_network(classes):
    source = YoloSeg(YoloConfig(classes=classes)).eval()
    config, own = published(published_state(source))
    assert config == YoloConfig(classes=classes)
    again = ARCHITECTURE.build(config).eval()
    again.load_state_dict(own)
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(again(image).predictions, source(image).predictions)


@pytest.mark.parametrize(
    "key", ["model.0.conv.weight", "model.22.cv3.0.2.bias", "model.22.proto.cv3.bn.bias"]
)
def test_a_missing_key_is_named(network, key):
    state = published_state(network)
    del state[key]
    with pytest.raises(KeyError, match=key):
        published(state)


def test_weights_of_another_network_are_refused_by_their_first_missing_key():
    with pytest.raises(KeyError, match=r"model\.0\.conv\.weight"):
        published({"encoder.weight": torch.zeros(1)})


def test_a_pickled_checkpoint_gives_its_average_in_float32(network, tmp_path):
    live, average = deepcopy(network.network).half(), deepcopy(network.network).half()
    with torch.no_grad():
        live.model[0].conv.weight.zero_()
    torch.save({"model": live, "ema": average, "epoch": 3}, tmp_path / "best.pt")
    config, own = convert_pickle(tmp_path / "best.pt")
    assert config == YoloConfig(classes=1)
    torch.testing.assert_close(
        own["network.model.0.conv.weight"],
        network.network.model[0].conv.weight.half().float(),
        atol=0,
        rtol=0,
    )
    YoloSeg(config).load_state_dict(own)


def test_a_stripped_checkpoint_gives_its_network(network, tmp_path):
    torch.save({"model": network.network, "ema": None}, tmp_path / "best.pt")
    assert convert_pickle(tmp_path / "best.pt")[0] == YoloConfig(classes=1)


@pytest.mark.parametrize(
    ("content", "why"),
    [({"model": {"a": 1}}, "no network but dict"), (torch.nn.Linear(2, 2), "model.0.conv.weight")],
    ids=["no network", "another network"],
)
def test_a_pickle_of_something_else_is_refused_in_one_line(tmp_path, content, why):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(InputError, match=why) as refused:
        convert_pickle(tmp_path / "other.pt")
    assert "\n" not in str(refused.value)


def test_what_is_no_pickle_is_refused(tmp_path):
    (tmp_path / "text.pt").write_text("not weights")
    with pytest.raises(InputError, match="cannot be unpickled"):
        convert_pickle(tmp_path / "text.pt")
