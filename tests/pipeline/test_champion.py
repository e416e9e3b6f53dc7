"""``--segmenter champion`` is a network and a version of weights, pinned where a job begins."""

from pathlib import Path

import pytest

from graticule.cli import main
from graticule.core.errors import ConfigError, ExperimentError
from graticule.core.progress import ignore
from graticule.experiments.champion import set_champion
from graticule.experiments.register import register
from graticule.experiments.runs import start
from graticule.pipeline.champion import without_alias
from graticule.pipeline.in_process import run_in_process
from graticule.pipeline.segment import SegmentStage
from graticule.pipeline.settings import IngestSettings, SegmentSettings
from graticule.pipeline.single import ingest_movie, segment_experiment
from graticule.training.registering import packaged
from mlflow_home import mlflow_home
from movies import sintering_tiff
from random_weights import tiny_swin
from threads import one_thread

__all__ = ["mlflow_home", "one_thread"]

pytestmark = pytest.mark.usefixtures("mlflow_home")
HOW = {"execute": run_in_process, "listener": ignore}
CHOSEN = SegmentSettings(segmenter="champion", polarity="dark", options={"device": "cpu"})


def crowned(folder: Path, *, seed: int) -> str:
    weights = tiny_swin(folder / f"{seed}.safetensors", seed=seed)
    entry = register(start("e", "r"), packaged(weights, "swin-unet"), scores={})
    return set_champion(entry.version).name + f"/{entry.version}"


@pytest.fixture
def ingested(tmp_path) -> str:
    movie = sintering_tiff(tmp_path / "movie.tif", frames=1, size=96)
    return ingest_movie(str(movie), str(tmp_path / "e.ome.zarr"), IngestSettings(), **HOW).root


def test_the_champion_is_a_network_and_a_version(tmp_path):
    address = crowned(tmp_path, seed=0)
    settings = without_alias(CHOSEN)
    assert settings.segmenter == "swin-unet"
    assert settings.options == {"device": "cpu", "weights": f"models:/{address}"}
    crowned(tmp_path, seed=1)
    assert without_alias(settings) == settings


def test_the_champions_name_is_no_part_of_what_the_result_is(tmp_path):
    crowned(tmp_path, seed=0)
    champion, named = without_alias(CHOSEN), without_alias(CHOSEN).model_copy(update={"champion": None})
    assert SegmentStage("x", champion).identity == SegmentStage("x", named).identity
    assert SegmentStage("x", CHOSEN).identity == SegmentStage("x", named).identity


def test_an_experiment_records_the_version_and_says_when_it_is_another_now(tmp_path, ingested):
    first = crowned(tmp_path, seed=0)
    experiment = segment_experiment(ingested, CHOSEN, **HOW)
    [run] = [experiment.run(name) for name in experiment.runs() if name.startswith("segment-")]
    assert (run.config["segmenter"], run.config["champion"]) == ("swin-unet", f"models:/{first}")
    segment_experiment(ingested, CHOSEN, **HOW)
    second = crowned(tmp_path, seed=1)
    with pytest.raises(ExperimentError, match=f"champion was 'models:/{first}', now 'models:/{second}'"):
        segment_experiment(ingested, CHOSEN, **HOW)
    options = {"device": "cpu", "weights": f"models:/{first}"}
    named = SegmentSettings(segmenter="swin-unet", polarity="dark", options=options)
    segment_experiment(ingested, named, **HOW)


def test_without_a_champion_the_user_is_told_how_to_get_one(ingested):
    with pytest.raises(ConfigError, match=r"there is no champion.*graticule train"):
        segment_experiment(ingested, CHOSEN, **HOW)


def test_a_champion_has_weights_of_its_own(tmp_path, capsys):
    crowned(tmp_path, seed=0)
    with pytest.raises(SystemExit) as ended:
        main(["segment", str(tmp_path), "--segmenter", "champion", "--weights", "builtin"])
    assert ended.value.code == 1
    assert (
        "--segmenter champion has weights of its own; leave --weights builtin out" in capsys.readouterr().err
    )


def test_label_images_of_a_picture_can_be_the_champions(tmp_path, capsys):
    crowned(tmp_path, seed=0)
    movie = sintering_tiff(tmp_path / "movie.tif", frames=1, size=64)
    command = ["segment", str(movie), "--segmenter", "champion", "--out", str(tmp_path / "labels")]
    with pytest.raises(SystemExit) as ended:
        main([*command, "--option", "device=cpu"])
    assert ended.value.code == 0, capsys.readouterr().err
    assert [path.name for path in (tmp_path / "labels").iterdir()] == ["movie.png"]
