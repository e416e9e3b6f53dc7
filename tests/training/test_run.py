import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from graticule import models
from graticule.core.errors import ConfigError, InputError, StorageError
from graticule.models.weights import load_network
from graticule.training.observer import Observer
from graticule.training.run import Failed, Finished, train
from graticule.training.settings import train_settings
from labelled_images import TINY, labelled_folder
from random_weights import tiny_swin
from threads import one_thread  # noqa: F401


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    return labelled_folder(tmp_path_factory.mktemp("labelled") / "set")


def trained(data: Path | str, out: Path, *, observe=(), overrides=None, **values):
    settings = train_settings(
        data=[str(data)],
        out=str(out),
        overrides={**TINY, **(overrides or {})},
        **{"model": "vmamba", "registered": False, "validated": 1, **values},
    )
    return train(settings, device="cpu", observe=observe)


class Dying(Observer):
    """Ends the training at a step, as a user does with Ctrl-C."""

    def __init__(self, step: int) -> None:
        self.step = step

    def listen(self, event) -> None:
        if event.step == self.step:
            raise KeyboardInterrupt

    def finish(self, finished) -> None:
        raise AssertionError("it did not finish")


def dying(step: int):
    @contextmanager
    def observe(job):
        yield Dying(step)

    return observe


def losses(folder: Path) -> list[float]:
    return [epoch["losses"]["loss"] for epoch in json.loads((folder / "history.json").read_text())]


def test_a_few_labelled_images_become_weights_with_all_that_is_to_know(images, tmp_path, caplog):
    caplog.set_level("INFO")
    [done] = trained(images, tmp_path / "out")
    folder = tmp_path / "out" / "vmamba"
    assert {path.name for path in folder.iterdir()} == {
        "run.json",
        "weights.safetensors",
        "recipe.toml",
        "history.json",
        "metrics.json",
        "samples.png",
        "card.md",
    }
    assert isinstance(done, Finished)
    assert done.worked
    assert done.epochs == len(losses(folder)) == 2
    assert 0 <= done.metrics["score"] <= 1
    card = (folder / "card.md").read_text()
    for said in (str(images), "3 images", "ap50", "seconds on", f"--weights {done.weights}", "recipe.toml"):
        assert said in card
    network = load_network("vmamba", done.weights)
    assert network.config.mid == 4
    models.create("vmamba", weights=done.weights)
    assert f"{images}: 4 labelled images" in caplog.text
    assert "trained on 3 images; validated on 1 held out" in caplog.text


def test_the_recipe_kept_gives_the_same_weights_again(images, tmp_path):
    trained(images, tmp_path / "a")
    settings = train_settings(
        model="vmamba",
        data=[str(images)],
        out=str(tmp_path / "b"),
        recipe=str(tmp_path / "a" / "vmamba" / "recipe.toml"),
        registered=False,
        validated=1,
    )
    train(settings, device="cpu")
    a, b = (tmp_path / name / "vmamba" for name in "ab")
    assert (a / "weights.safetensors").read_bytes() == (b / "weights.safetensors").read_bytes()


def test_a_finished_training_is_not_done_again(images, tmp_path):
    [first] = trained(images, tmp_path)
    before = (tmp_path / "vmamba" / "run.json").stat().st_mtime_ns
    [again] = trained(images, tmp_path)
    assert (first.worked, again.worked) == (True, False)
    assert again.metrics == first.metrics
    assert (tmp_path / "vmamba" / "run.json").stat().st_mtime_ns == before


def test_a_killed_training_goes_on_and_ends_like_one_that_was_not(images, tmp_path):
    trained(images, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(images, tmp_path / "cut", observe=[dying(5)])
    assert not (tmp_path / "cut" / "vmamba" / "weights.safetensors").exists()
    [done] = trained(images, tmp_path / "cut")
    assert done.worked
    whole, cut = (tmp_path / name / "vmamba" for name in ("whole", "cut"))
    assert losses(cut) == pytest.approx(losses(whole), abs=1e-6)
    assert not (cut / "state").exists()


def test_a_kill_while_the_result_is_written_is_healed_by_the_same_command(images, tmp_path, monkeypatch):
    def kill() -> str:
        raise KeyboardInterrupt

    class Late(Dying):
        def listen(self, event) -> None:
            monkeypatch.setattr("graticule.training.result._now", kill)

    @contextmanager
    def late(job):
        yield Late(0)

    folder = tmp_path / "vmamba"
    with pytest.raises(KeyboardInterrupt):
        trained(images, tmp_path, observe=[late])
    monkeypatch.undo()
    before = (folder / "weights.safetensors").read_bytes()
    assert (folder / "metrics.json").exists()
    assert json.loads((folder / "run.json").read_text())["finished"] is None
    [done] = trained(images, tmp_path)
    assert done.worked
    assert json.loads((folder / "run.json").read_text())["finished"]
    assert (folder / "weights.safetensors").read_bytes() == before
    assert not (folder / "state").exists()


def test_images_excluded_are_on_no_side_and_the_card_says_so(images, tmp_path, caplog):
    caplog.set_level("INFO")
    trained(images, tmp_path, excluded=["0", "2.png"])
    assert "trained on 1 images; validated on 1 held out" in caplog.text
    assert (tmp_path / "vmamba" / "excluded.txt").read_text() == "0\n2.png\n"
    assert "images of the 2 names in `excluded.txt`" in (tmp_path / "vmamba" / "card.md").read_text()


def test_images_excluded_that_leave_nothing_are_named_as_the_reason(images, tmp_path):
    with pytest.raises(InputError, match=r"images of the 3 names excluded, .* nothing is left to hold out"):
        trained(images, tmp_path, excluded=["0", "1", "2"])


def test_another_recipe_or_other_data_want_another_place_or_overwrite(images, tmp_path):
    trained(images, tmp_path / "out")
    with pytest.raises(StorageError, match=r"batch was 2, now 4.*--overwrite"):
        trained(images, tmp_path / "out", overrides={"batch": 4})
    other = labelled_folder(tmp_path / "other", seed=9)
    with pytest.raises(
        StorageError,
        match=r"trained on other data \(8 of 8 files differ, first: images/0.png of .*--overwrite",
    ):
        trained(other, tmp_path / "out")
    [done] = trained(images, tmp_path / "out", overrides={"batch": 4}, overwrite=True)
    assert done.worked


def test_a_training_goes_on_with_its_data_touched_and_moved_but_not_changed(tmp_path):
    data = labelled_folder(tmp_path / "set")
    with pytest.raises(KeyboardInterrupt):
        trained(data, tmp_path / "out", observe=[dying(1)])
    moved = shutil.copytree(data, tmp_path / "moved", copy_function=shutil.copyfile)
    one = moved / "images" / "2.png"
    one.write_bytes(one.read_bytes()[:-1] + b"?")
    with pytest.raises(StorageError) as caught:
        trained(moved, tmp_path / "out")
    assert str(caught.value) == (
        f"the run begun in {tmp_path}/out/vmamba was trained on other data (1 of 8 files differs, first:"
        f" images/2.png of {moved}); give what it was begun with to go on, or choose another --out;"
        " --overwrite deletes it"
    )
    shutil.copyfile(data / "images" / "2.png", one)
    [done] = trained(moved, tmp_path / "out")
    assert done.worked


def test_what_is_no_training_is_left_alone(images, tmp_path):
    (tmp_path / "vmamba").mkdir()
    (tmp_path / "vmamba" / "thesis.txt").write_text("all of it")
    for overwrite in (False, True):
        with pytest.raises(StorageError, match="is not empty and holds no training of graticule"):
            trained(images, tmp_path, overwrite=overwrite)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        trained(images, tmp_path / "file")


def test_one_network_that_fails_does_not_stop_the_others(images, tmp_path, caplog):
    outcomes = trained(images, tmp_path, model="all")  # the others know no such sizes
    assert [type(outcome) for outcome in outcomes] == [Failed, Failed, Finished, Failed]
    assert "error: swin-unet: recipe of swin-unet: config: no option 'dims'" in caplog.text


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"size": 33}, "33"),
        ({"config.colour": 1}, "recipe of vmamba: config: no option 'colour'"),
        ({"start": "/none.safetensors"}, "/none.safetensors: no such weights file"),
        ({"learning_rate": 0}, "learning_rate = 0 cannot be"),
    ],
)
def test_what_cannot_be_is_known_before_anything_is_written(images, tmp_path, overrides, said):
    with pytest.raises((ConfigError, InputError)) as refused:
        trained(images, tmp_path / "out", overrides=overrides)
    assert said in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_machines_are_asked_for_only_when_what_is_asked_for_can_be(images, tmp_path):
    def busy(recipe):
        raise AssertionError("asked")

    settings = train_settings(
        model="vmamba", data=[str(images)], out=str(tmp_path), overrides={**TINY, "size": 33}
    )
    with pytest.raises(ConfigError, match="33"):
        train(settings, recipe_for=busy)


def test_a_slot_too_small_for_batch_statistics_is_said_so(images, tmp_path):
    with pytest.raises(ConfigError, match=r"vmamba: a slot of 1 image of 32 px is too little .* --batch"):
        trained(images, tmp_path / "out", overrides={"batch": 1})


def test_weights_of_another_network_are_no_start(images, tmp_path):
    weights = tiny_swin(tmp_path / "swin.safetensors")
    with pytest.raises(InputError, match="holds weights of swin-unet, not of vmamba"):
        trained(images, tmp_path / "out", overrides={"start": str(weights)})


def test_a_training_starts_from_the_weights_it_is_given(images, tmp_path):
    [first] = trained(images, tmp_path / "a")
    rest = {name: value for name, value in TINY.items() if not name.startswith("config.")}
    settings = train_settings(
        model="vmamba",
        data=[str(images)],
        out=str(tmp_path / "b"),
        overrides={**rest, "start": first.weights, "epochs": 1, "steps": 1},
        registered=False,
        validated=1,
    )
    [done] = train(settings, device="cpu")
    assert load_network("vmamba", done.weights).config.mid == 4
    assert "started from: /" in (tmp_path / "b" / "vmamba" / "card.md").read_text()


def test_one_image_is_too_few_to_hold_any_out(tmp_path):
    alone = labelled_folder(tmp_path / "alone", count=1)
    with pytest.raises(InputError, match=r"1 labelled image .*add images, or give others with --validation"):
        trained(alone, tmp_path / "out")
    others = labelled_folder(tmp_path / "others", count=1, seed=5)
    [done] = trained(alone, tmp_path / "out", validation=[str(others)], overwrite=True)
    assert f"Validated on 1 of `{others}`" in Path(done.path("card.md")).read_text()


@pytest.mark.shared_data
def test_the_images_of_the_paper_can_be_trained_on(shared_data, tmp_path):
    [done] = trained(shared_data / "em4" / "train", tmp_path, overrides={"epochs": 1, "steps": 1})
    assert "ap50" not in done.metrics  # its particles are not told apart
    assert done.metrics["score"] == done.metrics["iou"]
