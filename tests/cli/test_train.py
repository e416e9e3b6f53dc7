"""``graticule train`` as a user types it."""

import json
import os
import shlex
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from graticule.cli import main
from graticule.core.errors import PipelineError
from labelled_images import TINY, labelled_folder
from threads import one_thread  # noqa: F401
from typed import Done, typed

SMALL = [
    part for key, value in TINY.items() for part in ("--set", f"{key}={json.dumps(value)}".replace('"', ""))
]


Graticule = Callable[..., Done]


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    return labelled_folder(tmp_path_factory.mktemp("labelled") / "set")


@pytest.fixture
def train(capsys, caplog, images, tmp_path) -> Graticule:
    """Train the tiny network on the images, with more options; ``data=None`` for other data."""

    def run(*options: object, model: str = "vmamba", out: Path | None = None, data: object = images) -> Done:
        arguments = ["train", "--model", model, "--out", out or tmp_path / "out", "--no-register", *options]
        arguments += ["--device", "cpu", "--validated", "1", *(["--data", data] if data else [])]
        return typed(*arguments, capsys=capsys, caplog=caplog)

    return run


def failed(done: Done, *, status: int = 1) -> str:
    """Return the one line that says what was wrong."""
    assert done.status == status, done
    assert "Traceback" not in done.err
    (line,) = (line for line in done.err.splitlines() if line.startswith("graticule: error:"))
    return line


def test_train_says_how_good_it_is_and_where_it_lies_and_how_to_go_on(train, tmp_path):
    done = train(*SMALL)
    assert done.status == 0, done
    assert f"weights: {tmp_path}/out/vmamba/weights.safetensors" in done.out
    assert "vmamba: iou " in done.out
    assert "4 labelled images" in done.err
    assert "vmamba trains on the CPU: about 1 min" in done.err
    assert "epoch 2/2, loss " in done.err
    again = train(*SMALL)
    assert again.status == 0
    assert again.out.startswith("vmamba: already finished, nothing to do")


def test_the_command_on_the_card_gives_the_same_weights_again(train, tmp_path):
    (tmp_path / "without").write_text("2\n")
    train(*SMALL, "--exclude", tmp_path / "without")
    card = (tmp_path / "out" / "vmamba" / "card.md").read_text()
    [command] = (line for line in card.splitlines() if line.startswith("graticule train"))
    words = [str(tmp_path / "again") if word == "DIR" else word for word in shlex.split(command)]
    with pytest.raises(SystemExit, match="0"):
        main([*words[1:], "--no-register", "--device", "cpu"])
    first, second = (tmp_path / name / "vmamba" / "weights.safetensors" for name in ("out", "again"))
    assert first.read_bytes() == second.read_bytes()


def test_what_was_trained_without_mlflow_is_registered_by_the_same_command(train, monkeypatch):
    assert train(*SMALL).status == 0
    again = train(*SMALL, "--register")
    assert again.status == 0, again
    assert "already finished" in again.out
    assert "registered: models:/graticule-segmenter/1" in again.err
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert "the training is done and lies in" in failed(train(*SMALL, "--register"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--data", "/none"), "/none: no such file or folder"),
        (("--size", "100"), "100"),
        (("--batch", "3"), "batch = 3 cannot be cut into 2 equal slots for 2 workers; ask for --batch 4"),
    ],
)
def test_what_cannot_be_is_known_before_ray_is_started(images, tmp_path, monkeypatch, capsys, options, said):
    def start(workers) -> None:
        raise AssertionError("started")

    monkeypatch.setattr("graticule.pipeline.session._connect", start)
    arguments = ["--data", str(images), "--model", "vmamba", "--out", str(tmp_path), "--no-register"]
    with pytest.raises(SystemExit, match="1"):
        main(["train", *arguments, "--workers", "2", *options])
    assert said in capsys.readouterr().err


def test_workers_of_a_cluster_learn_where_models_are_registered(images, tmp_path, monkeypatch):
    environments = []

    def begun(on_ray, job, listen) -> None:
        environments.append(dict(on_ray.environment))
        raise PipelineError("enough is known")

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
    monkeypatch.setattr("graticule.training.distributed.executor.OnRayTrain.__call__", begun)
    monkeypatch.setattr("graticule.pipeline.session.ray_session", lambda **_: nullcontext())
    arguments = ["--data", str(images), "--model", "vmamba", "--out", str(tmp_path / "out"), *SMALL]
    with pytest.raises(SystemExit, match="1"):
        main(["train", *arguments, "--no-register", "--validated", "1", "--workers", "1"])
    assert environments[0]["MLFLOW_TRACKING_URI"] == "sqlite:///elsewhere.db"


def test_a_list_of_images_to_exclude_names_some(train, tmp_path):
    (tmp_path / "list").write_text("\n \n")
    assert f"--exclude {tmp_path}/list names no image" in failed(train("--exclude", tmp_path / "list"))


def test_options_of_their_own_go_before_the_recipe(train, tmp_path):
    small = [*SMALL]
    del small[small.index("epochs=2") - 1 : small.index("epochs=2") + 1]
    done = train(*small, "--epochs", 1, "--seed", 7, "--share", 2)
    assert done.status == 0, done
    record = json.loads((tmp_path / "out" / "vmamba" / "run.json").read_text())
    assert (record["recipe"]["epochs"], record["recipe"]["seed"]) == (1, 7)


def test_of_all_networks_those_that_fail_are_counted(train):
    done = train(*SMALL, model="all")
    assert done.status == 1
    assert "3 of 4 networks failed" in done.err
    assert "vmamba/weights.safetensors" in done.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--set", "bach=3"), "recipe vmamba: no option 'bach'; known:"),
        (("--set", "batch"), "--set 'batch' has no value; write NAME=VALUE"),
        (("--epochs", "3", "--set", "epochs=4"), "--epochs 3 and --set epochs=4: leave one out"),
        (("--epochs", "0"), "epochs = 0 cannot be: it should be at least 1"),
        (("--recipe", "odd"), "unknown recipe 'odd'; known: "),
        (("--recipe", "/none.toml"), "/none.toml: no such file"),
        (("--share", "1", "--share", "2"), "give one --share for each --data, or none; got 2 for 1"),
        (("--validation", "/none"), "/none"),
        (("--data", "synthetic:odd"), "odd"),
        (("--start", "/none.pt"), "/none.pt: no such weights file"),
        (("--size", "100"), "100"),
        (("--workers", "2"), "--device cpu: on Ray"),
        (("--held-out", "2"), "held_out = 2"),
        (("--exclude", "/none.txt"), "/none.txt: no such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_value_that_cannot_be_is_named(train, options, said):
    assert said in failed(train(*options))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--size", "100"), "deaot-t needs a size of 1 px more than a multiple of 16 px, got 100; give 97"),
        (("--set", "clips.frames=1"), "recipe deaot-t: clips.frames = 1 cannot be: it should be at least 2"),
        (("--set", "clips.frams=3"), "no option 'clips.frams'; known: diameter, frames, stride"),
        (("--set", "clips.diameter=[48, 14]"), "need a range LOW, HIGH with 0 < LOW <= HIGH, got 48.0, 14.0"),
        (("--recipe", "vmamba"), "recipe vmamba is for vmamba, not for deaot-t"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_value_that_cannot_be_of_a_tracker_is_named(train, options, said):
    assert said in failed(train("--start", "random", *options, model="deaot-t"))


def test_what_ships_no_weights_starts_from_others(train, nothing_shipped):
    line = failed(train("--start", "builtin"))
    assert "vmamba ships no weights in this version; give --start random, FILE, URL or" in line


def test_an_unknown_network_lists_the_known(train):
    assert "known: all, deaot-t, efficient-sam-ti, swin-unet" in failed(train(model="unet"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--data", "set", "--out", "/tmp/out"),
        ("--data", "/tmp/set", "--out", "out"),
        ("--data", "/tmp/set", "--out", "/tmp/out", "--recipe", "mine.toml"),
        ("--data", "/tmp/set", "--out", "/tmp/out", "--start", "w.safetensors"),
        ("--data", "/tmp/set", "--out", "/tmp/out", "--set", "start=w.safetensors"),
        ("--data", "/tmp/set", "--out", "/tmp/out", "--validation", "held"),
    ],
    ids=" ".join,
)
def test_a_relative_path_is_refused_in_a_submitted_job(monkeypatch, capsys, arguments):
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    with pytest.raises(SystemExit, match="1"):
        main(["train", *arguments])
    relative = next(a for a in arguments[1::2] if not a.startswith("/")).removeprefix("start=")
    said = capsys.readouterr().err
    assert f"{relative!r} is relative" in said
    assert os.path.abspath(relative) in said


def test_wrong_usage_is_one_line_and_status_2(capsys):
    for arguments in (
        ["train"],
        ["train", "--data", "a"],
        ["train", "--data", "a", "--out", "b", "--epochs", "x"],
    ):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
        assert "--help" in capsys.readouterr().err
