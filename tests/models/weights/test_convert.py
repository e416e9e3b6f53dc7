"""Published checkpoints become files of ours, which need no trust."""

import argparse
import json
import sys
from pathlib import Path

import fsspec
import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from graticule.core.errors import ConfigError, InputError
from graticule.models.weights import convert, load_network
from graticule.models.weights.convert import _source_name

VECTORS = {"efficient-sam-ti": "efficient_sam_ti", "swin-unet": "swin_unet", "vmamba": "vm_unet_v2"}


def published(shared_data: Path, name: str) -> dict[str, Tensor]:
    """A state dict with the published keys of a network, filled as the conformance vectors are."""
    folder = shared_data.parent / "conformance"
    sys.path.insert(0, str(folder))
    try:
        from fill import filled
    finally:
        sys.path.remove(str(folder))
    listed = json.loads((folder / f"{VECTORS[name]}.keys.json").read_text())
    return {key: _tensor(filled, key, spec) for key, spec in _entries(listed)}


def _entries(listed):
    if isinstance(listed, dict):
        return list(listed.items())
    return [(entry["key"], entry) for entry in listed]


def _tensor(filled, key, spec) -> Tensor:
    dtype, shape = (spec["dtype"], tuple(spec["shape"])) if isinstance(spec, dict) else spec
    if "float" in dtype:
        return torch.from_numpy(filled("a", key, tuple(shape)))
    return torch.zeros(tuple(shape), dtype=getattr(torch, dtype.removeprefix("torch.")))


@pytest.mark.shared_data
@pytest.mark.parametrize("name", VECTORS)
def test_whose_published_weights_they_are_is_told_by_their_keys(shared_data, tmp_path, name):
    torch.save({"model": published(shared_data, name)}, tmp_path / "net.pth")
    target = convert(str(tmp_path / "net.pth"), trust=False)
    assert target == str(tmp_path / "net.safetensors")
    direct, converted = (
        load_network(name, str(path)).state_dict() for path in (tmp_path / "net.pth", target)
    )
    assert all(torch.equal(direct[key], converted[key]) for key in direct)
    with safe_open(target, framework="pt") as file:
        assert file.metadata()["network"] == name
    with pytest.raises(ConfigError, match=r"net\.safetensors exists and is not overwritten"):
        convert(str(tmp_path / "net.pth"), trust=False)


@pytest.mark.shared_data
def test_a_checkpoint_with_pickled_objects_is_converted_on_trust_alone(shared_data, tmp_path):
    path = tmp_path / "net.pt"
    content = {"state_dict": published(shared_data, "swin-unet"), "args": argparse.Namespace(lr=0.1)}
    torch.save(content, path)
    with pytest.raises(InputError, match="--trust"):
        convert(str(path), trust=False)
    with pytest.raises(InputError, match="--trust"):
        load_network("swin-unet", str(path))
    load_network("swin-unet", convert(str(path), trust=True))


@pytest.mark.shared_data
def test_published_weights_given_to_another_network_are_refused(shared_data, tmp_path):
    torch.save(published(shared_data, "swin-unet"), tmp_path / "net.pth")
    with pytest.raises(InputError, match=r"net\.pth is no vmamba checkpoint: key '.*' is missing"):
        load_network("vmamba", str(tmp_path / "net.pth"))


def test_weights_that_fit_no_network_say_what_each_lacks(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "net.pt")
    with pytest.raises(ConfigError, match=r"fits no network: efficient-sam-ti \(lacks .*give a checkpoint"):
        convert(str(tmp_path / "net.pt"), trust=False)


def test_where_the_converted_file_goes_must_be_free_and_named_rightly(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "net.pt")
    (tmp_path / "taken.safetensors").write_text("mine")
    for out, said in (("taken.safetensors", "is not overwritten"), ("net.bin", "ends in .safetensors")):
        with pytest.raises(ConfigError, match=said):
            convert(str(tmp_path / "net.pt"), str(tmp_path / out), trust=False)
    assert (tmp_path / "taken.safetensors").read_text() == "mine"


def test_a_pickle_that_breaks_is_one_line(tmp_path):
    class Broken:
        def __reduce__(self):
            return (int, ("x",))

    torch.save({"model": Broken()}, tmp_path / "net.pt")
    with pytest.raises(InputError, match=r"net\.pt cannot be unpickled \(ValueError: invalid literal"):
        convert(str(tmp_path / "net.pt"), trust=True, network="swin-unet")


def test_a_file_of_ours_needs_no_converting(tiny, tmp_path):
    from graticule.models.weights import save_weights

    save_weights(tmp_path / "a.pt", "tiny", tiny.config(), tiny.network())
    with pytest.raises(ConfigError, match="is a graticule weights file of tiny already"):
        convert(str(tmp_path / "a.pt"), trust=False)


@pytest.mark.shared_data
def test_the_converted_file_can_go_to_a_url(shared_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    memory = fsspec.filesystem("memory")
    with memory.open("/in/net.pt", "wb") as file:
        torch.save(published(shared_data, "swin-unet"), file)
    target = convert("memory://in/net.pt", "memory://out/net.safetensors", trust=False)
    assert target == "memory://out/net.safetensors"
    load_network("swin-unet", target)
    with pytest.raises(ConfigError, match="is not overwritten"):
        convert("memory://in/net.pt", target, trust=False)
    assert not (tmp_path / "memory:").exists()


def test_what_a_file_was_converted_from_is_said_without_the_keys_in_a_url():
    assert _source_name("https://here.example/net.pt?signature=secret") == "net.pt"
    assert _source_name("/here/what?.pt") == "what?.pt"
