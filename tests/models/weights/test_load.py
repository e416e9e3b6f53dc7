"""Weights that do not fit are refused in one line that says where they differ."""

import pytest
import torch
from safetensors.torch import save_file

from graticule.core.errors import InputError
from graticule.models.weights import load, save_weights
from graticule.models.weights.digest import sha256_of


def refused(tiny, path, **how) -> str:
    with pytest.raises(InputError) as caught:
        load(tiny.architecture, path, **how)
    said = str(caught.value)
    assert str(path) in said
    assert "\n" not in said
    return said


def written(tiny, path, *, network=None, name="tiny", width=4):
    save_weights(path, name, tiny.config(width=width), network or tiny.network(width=width))
    return path


@pytest.mark.parametrize("wrapper", [None, "model", "state_dict", "net"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_published_checkpoints_are_read_whatever_they_are_wrapped_in(tiny, tmp_path, wrapper, prefix):
    network = tiny.network(width=5)
    state = {prefix + name: value for name, value in tiny.published(network).items()}
    torch.save(state if wrapper is None else {wrapper: state, "epoch": 3}, tmp_path / "a.pth")
    assert torch.equal(load(tiny.architecture, tmp_path / "a.pth").mix.weight, network.mix.weight)


def test_a_published_state_dict_in_safetensors_is_read(tiny, tmp_path):
    save_file(tiny.published(tiny.network()), tmp_path / "a.safetensors")
    assert torch.equal(load(tiny.architecture, tmp_path / "a.safetensors").mix.bias, tiny.network().mix.bias)


def test_an_ending_that_lies_does_not_matter(tiny, tmp_path):
    assert load(tiny.architecture, written(tiny, tmp_path / "a.pt")).norm.num_features == 4


def test_weights_of_another_network_name_both(tiny, tmp_path):
    said = refused(tiny, written(tiny, tmp_path / "a.safetensors", name="huge"))
    assert "weights of huge, not of tiny" in said


def test_differences_are_listed_by_key_and_shape(tiny, tmp_path):
    network = tiny.network(width=4)
    network.extra = torch.nn.Linear(2, 2)
    network.mix = torch.nn.Conv2d(3, 7, 1)
    del network.norm
    said = refused(tiny, written(tiny, tmp_path / "a", network=network))
    assert "5 missing (norm.weight, norm.bias, norm.running_mean and 2 more)" in said
    assert "2 unexpected (extra.bias, extra.weight)" in said
    assert "mix.weight is (7, 3, 1, 1), should be (4, 3, 1, 1)" in said


def test_a_published_checkpoint_of_another_network_says_which_key_is_missing(tiny, tmp_path):
    torch.save({"encoder.weight": torch.zeros(2)}, tmp_path / "a.pt")
    said = refused(tiny, tmp_path / "a.pt")
    assert (
        "is no tiny checkpoint: key 'conv.bias' is missing, it has 1 others (first: encoder.weight)" in said
    )


def test_a_header_that_cannot_be_is_named(tiny, tmp_path):
    header = {"network": "tiny", "config": '{"depth": 3}'}
    save_file(tiny.network().state_dict(), tmp_path / "a", metadata=header)
    assert "depth" in refused(tiny, tmp_path / "a")
    save_file(tiny.network().state_dict(), tmp_path / "b", metadata={**header, "config": '{"width": 0}'})
    assert "width 0 is below 1" in refused(tiny, tmp_path / "b")


def test_weights_that_are_not_finite_are_refused(tiny, tmp_path):
    network = tiny.network()
    with torch.no_grad():
        network.mix.weight[0] = torch.nan
    assert "1 not finite (mix.weight)" in refused(tiny, written(tiny, tmp_path / "a", network=network))


def test_a_digest_is_held_to(tiny, tmp_path):
    path = written(tiny, tmp_path / "a")
    digest = sha256_of(path)
    load(tiny.architecture, path, sha256=digest.upper())
    written(tiny, path, network=tiny.network(seed=1))
    assert f"expected {digest}" in refused(tiny, path, sha256=digest)


def test_loading_does_not_depend_on_the_state_of_the_random_generator(tiny, tmp_path):
    path = written(tiny, tmp_path / "a")
    one = load(tiny.architecture, path).state_dict()
    torch.manual_seed(77)
    other = load(tiny.architecture, path).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
