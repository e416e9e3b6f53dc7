import json

import pytest
import torch

from graticule.core.errors import StorageError
from graticule.training.recipe import Recipe
from graticule.training.result import begin, state_store
from graticule.training.run import Job


def job(out: str, **recipe) -> Job:
    return Job(
        recipe=Recipe(network="vmamba", size=64, **recipe),
        sources=(),
        shares=(),
        train=(),
        held_sources=(),
        held=(),
        start_sha256=None,
        identity="abc",
        out=out,
    )


def test_a_training_that_was_begun_is_gone_on_with(tmp_path):
    out = str(tmp_path / "vmamba")
    assert begin(job(out), {"data": ["/a"]}, overwrite=False) is None
    record = json.loads((tmp_path / "vmamba" / "run.json").read_text())
    assert record["data"] == ["/a"]
    assert record["finished"] is None
    (tmp_path / "vmamba" / "state").mkdir()
    assert begin(job(out), {}, overwrite=True) is None
    assert (tmp_path / "vmamba" / "state").exists()


def test_another_training_replaces_all_of_it_when_asked(tmp_path):
    out = str(tmp_path / "vmamba")
    begin(job(out), {}, overwrite=False)
    (tmp_path / "vmamba" / "state").mkdir()
    with pytest.raises(StorageError, match="seed was 0, now 1"):
        begin(job(out, seed=1), {}, overwrite=False)
    assert begin(job(out, seed=1), {}, overwrite=True) is None
    assert [path.name for path in (tmp_path / "vmamba").iterdir()] == ["run.json"]


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(StorageError, match=r"run\.json is damaged"):
        begin(job(str(tmp_path)), {}, overwrite=False)


@pytest.mark.parametrize("root", ["{}", "memory://trained/{}"])
def test_the_state_comes_back_whole_from_a_folder_and_from_an_object_store(tmp_path, root):
    store = state_store(job(root.format(tmp_path)))
    assert store.load() is None
    store.save({"step": 3, "weights": torch.ones(2)}, {})
    store.save(None, {})
    state = store.load()
    assert state is not None
    assert state["step"] == 3
    assert torch.equal(state["weights"], torch.ones(2))
