import json

import pytest
import torch

from graticule.core.errors import StorageError
from graticule.storage.place import Place
from graticule.training.job import Job
from graticule.training.recipe import Recipe
from graticule.training.result import begin
from graticule.training.state import RAY_RECORD, refuse_state_of_ray, state_store
from training.tiny import bare_job


def job(out: str, **recipe) -> Job:
    return bare_job(Recipe(network="vmamba", size=64, **recipe), identity="abc", out=out)


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


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ({}, {"augmentation": {"blur": 0}}, "augmentation.blur was 1.2, now 0.0"),
        ({"config": {"mid": 4}}, {}, "config.mid was 4, now None"),
    ],
)
def test_what_differs_is_named_as_it_is_set(tmp_path, before, now, said):
    begin(job(str(tmp_path), **before), {}, overwrite=False)
    with pytest.raises(StorageError, match=rf"\({said}\)"):
        begin(job(str(tmp_path), **now), {}, overwrite=False)


def test_a_state_left_by_a_kill_in_the_last_moment_goes(tmp_path):
    begin(job(str(tmp_path)), {}, overwrite=False)
    record = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**record, "finished": "now"}))
    figures = {"network": "vmamba", "metrics": {}, "best_epoch": 1, "epochs": 1, "seconds": 1.0, "images": []}
    (tmp_path / "metrics.json").write_text(json.dumps(figures))
    (tmp_path / "state").mkdir()
    done = begin(job(str(tmp_path)), {}, overwrite=False)
    assert done is not None
    assert not done.worked
    assert not (tmp_path / "state").exists()


def test_one_process_does_not_begin_anew_what_ray_began(tmp_path):
    refuse_state_of_ray(job(str(tmp_path)))
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / RAY_RECORD).write_text("{}")
    with pytest.raises(
        StorageError, match="holds the state of a training on Ray; go on with --workers 2, or"
    ):
        refuse_state_of_ray(job(str(tmp_path), slots=2))


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


def test_a_damaged_state_in_an_object_store_is_named():
    made = job("memory://damaged")
    Place.at(made.out).write("state/state.safetensors", b"PK")
    with pytest.raises(StorageError, match=r"memory://damaged/state/state.safetensors is damaged; delete it"):
        state_store(made).load()
