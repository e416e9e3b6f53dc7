"""A saved network comes back as it was."""

import pytest
import torch
from safetensors import safe_open
from torch import nn

from graticule.core.errors import StorageError
from graticule.models.weights import load, save_weights


@pytest.mark.parametrize("width", [1, 4, 9])
def test_a_saved_network_is_loaded_bit_for_bit(tiny, tmp_path, width):
    network = tiny.network(width=width)
    save_weights(tmp_path / "a.safetensors", "tiny", tiny.config(width=width), network)
    loaded = load(tiny.architecture, tmp_path / "a.safetensors").state_dict()
    assert loaded.keys() == network.state_dict().keys()
    assert all(torch.equal(loaded[name], value) for name, value in network.state_dict().items())


def test_a_loaded_network_is_ready_to_use(tiny, tmp_path):
    save_weights(tmp_path / "a.safetensors", "tiny", tiny.config(), tiny.network())
    loaded = load(tiny.architecture, tmp_path / "a.safetensors")
    assert not loaded.training
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}


def test_the_same_network_gives_the_same_bytes(tiny, tmp_path):
    for name in ("a", "b"):
        save_weights(tmp_path / name, "tiny", tiny.config(), tiny.network(), metadata={"x": "1", "a": "2"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_header_names_network_and_sizes(tiny, tmp_path):
    save_weights(tmp_path / "a.safetensors", "tiny", tiny.config(), tiny.network(), metadata={"epoch": "3"})
    with safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        assert file.metadata() == {"network": "tiny", "config": '{"width":4}', "epoch": "3"}


def test_half_precision_on_disk_is_float32_again_when_loaded(tiny, tmp_path):
    network = tiny.network()
    for name, dtype in (("half", torch.float16), ("full", None)):
        save_weights(tmp_path / name, "tiny", tiny.config(), network, dtype=dtype)
    assert (tmp_path / "half").stat().st_size < (tmp_path / "full").stat().st_size
    loaded = load(tiny.architecture, tmp_path / "half")
    torch.testing.assert_close(loaded.mix.weight, network.mix.weight, rtol=1e-3, atol=1e-4)
    assert loaded.norm.num_batches_tracked.dtype == torch.int64


def test_tensors_that_share_memory_are_each_written(tiny, tmp_path):
    network = tiny.network(width=3)
    network.norm.bias = nn.Parameter(network.mix.bias.detach())
    save_weights(tmp_path / "a", "tiny", tiny.config(width=3), network)
    assert torch.equal(load(tiny.architecture, tmp_path / "a").norm.bias, network.mix.bias)


def test_weights_are_written_to_a_url(tiny):
    save_weights("memory://saved/a.safetensors", "tiny", tiny.config(), tiny.network())
    import fsspec

    assert fsspec.filesystem("memory").size("/saved/a.safetensors") > 0


def test_a_place_that_cannot_be_written_is_named(tiny, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="file"):
        save_weights(tmp_path / "file" / "a", "tiny", tiny.config(), tiny.network())
