"""A state on disk is there whole or not at all."""

import resource

import pytest
import torch

from graticule.core.errors import StorageError
from graticule.training.stores import FILE, Folder, Nowhere, write_state


def test_a_folder_gives_back_what_it_was_given(tmp_path):
    store = Folder(tmp_path / "new" / "place")
    assert store.load() is None
    state = {"weights": {"a": torch.arange(3.0)}, "epoch": 4, "history": [{"score": 0.5}], "none": None}
    store.save(state, {})
    assert store.load()["history"] == state["history"]
    assert torch.equal(store.load()["weights"]["a"], state["weights"]["a"])


def test_keys_that_are_numbers_tuples_and_tied_tensors_come_back(tmp_path):
    tied = torch.arange(4.0)
    state = {
        "optimizer": {"state": {0: {"step": torch.tensor(2.0), "betas": (0.9, 0.99)}}},
        "tied": [tied, tied],
    }
    Folder(tmp_path).save({**state, "nan": float("nan"), "part": tied[1:3]}, {})
    back = Folder(tmp_path).load()
    assert back["optimizer"]["state"][0]["betas"] == (0.9, 0.99)
    assert back["optimizer"]["state"][0]["step"] == 2
    assert all(torch.equal(one, tied) for one in back["tied"])
    assert back["part"].tolist() == [1, 2]
    assert back["nan"] != back["nan"]


def test_the_last_state_replaces_the_one_before_and_nothing_else_is_left(tmp_path):
    store = Folder(tmp_path)
    for epoch in range(3):
        store.save({"epoch": epoch}, {})
    assert store.load() == {"epoch": 2}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_state_that_cannot_be_written_leaves_the_old_one(tmp_path):
    store = Folder(tmp_path)
    store.save({"epoch": 0}, {})
    with pytest.raises(TypeError, match="a state holds a function at /epoch"):
        store.save({"epoch": lambda: None}, {})
    assert store.load() == {"epoch": 0}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_workers_but_the_first_write_nothing(tmp_path):
    Folder(tmp_path).save(None, {"score": 1.0})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kept", [0, 10, 500])
def test_a_damaged_state_is_named(tmp_path, kept):
    path = tmp_path / FILE
    write_state(path, {"weights": torch.zeros(1000)})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(StorageError, match=f"{FILE} is damaged; delete it and begin anew"):
        Folder(tmp_path).load()


class Code:
    def __reduce__(self):
        return print, ("run",)


def test_a_state_cannot_run_code(tmp_path, capsys):
    torch.save({"epoch": Code()}, tmp_path / FILE)
    with pytest.raises(StorageError, match="is damaged"):
        Folder(tmp_path).load()
    assert capsys.readouterr().out == ""


def test_a_place_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="the checkpoint cannot be written"):
        Folder(tmp_path / "file").save({"epoch": 0}, {})


def test_a_disk_that_is_full_is_named_and_the_old_state_stays(tmp_path):
    store = Folder(tmp_path)
    store.save({"epoch": 0}, {})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(StorageError, match="the checkpoint cannot be written"):
            store.save({"epoch": 1, "weights": torch.zeros(1 << 20)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.load() == {"epoch": 0}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_nowhere_keeps_nothing():
    store = Nowhere()
    store.save({"epoch": 1}, {})
    assert store.load() is None
