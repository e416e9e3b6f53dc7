import json
from functools import partial

import pytest

from typed import status_of

run = partial(status_of, "compare-trackers")
SMALL = ("--data", "synthetic:easy", "--frames", 8, "--size", 96, "--seeds", "1,2")


@pytest.mark.slow
def test_trackers_are_compared_and_the_page_is_told(tmp_path, capsys):
    code = run(
        *SMALL, "--trackers", "trackpy", "--tracker-option", "trackpy.missed_frames=1",
        "--out", tmp_path / "out", "--no-mlflow",
    )  # fmt: skip
    said = capsys.readouterr().out
    assert code == 0
    assert "synthetic:easy, truth instances" in said
    assert "trackpy (missed_frames=1)  IDF1 1.0000  HOTA 1.0000  TRA 1.0000" in said
    assert f"{tmp_path}/out/index.html" in said
    held = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert [row["name"] for row in held["groups"][0]["rows"]] == ["overlap", "trackpy (missed_frames=1)"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--trackers", "deva"], "unknown tracker 'deva'; known: "),
        (["--seeds", "one"], "are not numbers"),
        (["--segmentations", "unet"], "no segmenter and no folder"),
        (["--tracker-option", "missed_frames=1"], "write TRACKER.OPTION=VALUE"),
        (["--data", "synthetic:nasty"], "unknown preset 'nasty'"),
        (["--data", "/nowhere.ome.zarr"], "/nowhere.ome.zarr"),
        (["--polarity", "grey"], "write one of dark, bright, auto"),
    ],
)
def test_mistakes_are_one_line(tmp_path, capsys, arguments, says):
    more = () if "--trackers" in arguments else ("--trackers", "overlap")
    assert run(*SMALL, *more, "--out", tmp_path / "out", "--no-mlflow", *arguments) == 1
    said = capsys.readouterr().err
    assert says in said
    assert said.strip().count("\n") == 0
    assert not (tmp_path / "out").exists()
