import json
from functools import partial

import numpy as np
import pytest
from PIL import Image

from graticule.synthetic import simulate
from typed import status_of


@pytest.fixture
def images(tmp_path):
    for part in ("images", "instances"):
        (tmp_path / "data" / part).mkdir(parents=True)
    for number, frame in enumerate(simulate("easy", frames=2, size=96, seed=0)):
        grey = (frame.image / frame.image.max() * 250).astype(np.uint8)
        Image.fromarray(grey).save(tmp_path / "data" / "images" / f"{number}.png")
        Image.fromarray(frame.labels.astype(np.uint16)).save(
            tmp_path / "data" / "instances" / f"{number}.png"
        )
    return tmp_path / "data"


run = partial(status_of, "compare")


def test_the_threshold_wins_over_weights_that_cannot_be_loaded(images, tmp_path, capsys):
    where = tmp_path / "none.safetensors"
    models = f"swin-unet={where}"
    code = run("--data", images, "--models", models, "--out", tmp_path / "out", "--no-mlflow")
    said = capsys.readouterr().out
    assert code == 1
    assert str(where) in said
    assert "threshold wins" in said
    assert f"{tmp_path}/out/index.html" in said
    assert json.loads((tmp_path / "out" / "comparison.json").read_text())["champion"] == "threshold"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--champion", "accuracy"], "unknown metric 'accuracy'; known: auto, iou"),
        (["--at-least-images-per-s", "0"], "above 0"),
        (["--models", "unet"], "no segmenter and no folder"),
        (["--polarity", "grey"], "write one of dark, bright, auto"),
        (["--data", "/nowhere"], "no such file or folder"),
    ],
)
def test_mistakes_are_one_line(images, tmp_path, capsys, arguments, says):
    assert run("--data", images, "--out", tmp_path / "out", *arguments) == 1
    said = capsys.readouterr().err
    assert says in said
    assert said.strip().count("\n") == 0
