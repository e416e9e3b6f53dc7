"""``graticule train`` as a user types it."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from graticule.cli import main
from labelled_images import TINY, labelled_folder
from threads import one_thread  # noqa: F401

SMALL = [
    part for key, value in TINY.items() for part in ("--set", f"{key}={json.dumps(value)}".replace('"', ""))
]


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    status: int
    out: str
    err: str


Graticule = Callable[..., Done]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GRATICULE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    return labelled_folder(tmp_path_factory.mktemp("labelled") / "set")


@pytest.fixture
def train(capsys, caplog, images, tmp_path) -> Graticule:
    """Train the tiny network on the images, with more options; ``data=None`` for other data."""

    def run(*options: object, model: str = "vmamba", out: Path | None = None, data: object = images) -> Done:
        capsys.readouterr()
        caplog.clear()
        arguments = ["train", "--model", model, "--out", out or tmp_path / "out", "--no-register", *options]
        arguments += ["--device", "cpu", "--validated", "1", *(["--data", data] if data else [])]
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Done(int(ended.value.code or 0), printed.out, printed.err + caplog.text)

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
        (("--start", "builtin"), "vmamba"),
        (("--size", "100"), "100"),
        (("--workers", "2"), "--device cpu: on Ray"),
        (("--held-out", "2"), "held_out = 2"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_value_that_cannot_be_is_named(train, options, said):
    assert said in failed(train(*options))


def test_an_unknown_network_lists_the_known(train):
    assert "known: all, efficient-sam-ti, swin-unet" in failed(train(model="unet"))


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
