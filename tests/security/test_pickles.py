"""A pickle is told by what it holds; test_a_day.py looks for them."""

import io
import pickle
import sqlite3
import zipfile

import numpy as np
import pytest
import torch

from .pickles import pickles_in, pickles_within


def torch_file(**how) -> bytes:
    sink = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, sink, **how)
    return sink.getvalue()


def npz(values) -> bytes:
    sink = io.BytesIO()
    np.savez(sink, values=values)
    return sink.getvalue()


def zipped(content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("inner.bin", content)
    return sink.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        *(pickle.dumps({"a": [1, "b"]}, protocol) for protocol in range(6)),
        torch_file(),
        torch_file(_use_new_zipfile_serialization=False),
        npz(np.array([{}], dtype=object)),
        zipped(zipped(pickle.dumps(1))),
    ],
)
def test_a_pickle_is_told_by_what_it_holds(content):
    assert list(pickles_within(content))


@pytest.mark.parametrize(
    "content", [b"", b"a sentence.", b"{}\n", npz(np.arange(3)), zipped(b"text."), b"\x80\x81 no pickle"]
)
def test_other_files_are_none(content):
    assert not list(pickles_within(content))


def test_a_pickle_in_a_database_is_found(tmp_path):
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("create table kept (name text, value blob)")
        database.execute("insert into kept values ('a', ?)", [pickle.dumps([1])])
    assert pickles_in(tmp_path / "a.db") == [f"{tmp_path}/a.db kept"]
