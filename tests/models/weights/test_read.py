"""Files that hold no weights, or more than weights, are refused in one line."""

import argparse
import os
from pathlib import Path

import pytest
import torch

from graticule.core.errors import InputError
from graticule.models.weights import save_weights
from graticule.models.weights.digest import sha256_of
from graticule.models.weights.read import RefusedPickleError, read_weights


def refused(path) -> str:
    with pytest.raises(InputError) as caught:
        read_weights(path)
    said = str(caught.value)
    assert str(path) in said
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer"),
        (b"weights, honestly", "it begins with b'weights,'"),
        (b"PK\x03\x04 and nothing else", "is damaged or cut short"),
        (b"\x40\0\0\0\0\0\0\0{ and nothing else", "is damaged or cut short"),
    ],
    ids=["empty", "html", "lfs", "text", "zip", "safetensors"],
)
def test_a_file_that_is_none_says_what_it_looks_like(tmp_path, content, said):
    (tmp_path / "a.pt").write_bytes(content)
    assert said in refused(tmp_path / "a.pt")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("kind", ["safetensors", "pt", "old"])
def test_a_file_cut_short_is_told_from_a_whole_one(tiny, tmp_path, kind, share):
    path = tmp_path / f"a.{kind}"
    if kind != "safetensors":
        zipped = kind == "pt"
        torch.save(tiny.published(tiny.network()), path, _use_new_zipfile_serialization=zipped)
    else:
        save_weights(path, "tiny", tiny.config(), tiny.network())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "damaged or cut short" in refused(path)


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [1, 2], torch.zeros(3), {"model": {}}])
def test_a_checkpoint_without_weights_says_so(tmp_path, content):
    torch.save(content, tmp_path / "a.pt")
    assert "holds no network weights" in refused(tmp_path / "a.pt")


def test_pickled_objects_are_refused_with_the_remedy(tiny, tmp_path):
    torch.save({"model": tiny.network(), "args": argparse.Namespace(lr=1)}, tmp_path / "a.pt")
    said = refused(tmp_path / "a.pt")
    assert "holds pickled Python objects, which could run code" in said
    assert said.endswith(f"graticule models convert {tmp_path}/a.pt --trust")


def test_a_pickle_that_would_run_code_does_not(tmp_path):
    class Mischief:
        def __reduce__(self):
            return (open, (str(tmp_path / "done"), "w"))

    torch.save({"model": Mischief()}, tmp_path / "a.pt")
    with pytest.raises(RefusedPickleError):
        read_weights(tmp_path / "a.pt")
    assert not (tmp_path / "done").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tiny, tmp_path):
    save_weights(tmp_path / "a", "tiny", tiny.config(), tiny.network())
    (tmp_path / "a").chmod(0)
    assert "not allowed to read it" in refused(tmp_path / "a")


def test_a_torchscript_archive_is_refused_as_what_it_is(tmp_path):
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), tmp_path / "a.pt")
    assert "is a TorchScript archive" in refused(tmp_path / "a.pt")


def test_a_file_whose_bytes_cannot_be_read_is_named():
    for read in (read_weights, sha256_of):
        with pytest.raises(InputError, match="/proc/self/mem cannot be read"):
            read(Path("/proc/self/mem"))
