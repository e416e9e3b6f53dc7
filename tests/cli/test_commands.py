"""Every command as a user types it, in this process: exit status, and what is printed."""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from graticule.cli import main
from graticule.storage.experiment import Experiment
from local_ray import local_ray
from movies import sintering_tiff
from typed import Done, typed

Graticule = Callable[..., Done]


@pytest.fixture(autouse=True, scope="module")
def ray_of_our_own() -> Iterator[None]:
    with local_ray():
        yield


@pytest.fixture
def graticule(capsys, caplog) -> Graticule:
    """Run a command line; what is logged counts as printed on stderr."""

    return partial(typed, capsys=capsys, caplog=caplog)


@pytest.fixture(scope="module")
def movie(tmp_path_factory) -> Path:
    return sintering_tiff(tmp_path_factory.mktemp("movie") / "sintering.tif", frames=3, size=96)


@pytest.fixture(scope="module")
def truth(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("truth") / "truth.ome.zarr"
    with pytest.raises(SystemExit, match="0"):
        main(["simulate", str(out), "--preset", "easy", "--frames", "4", "--size", "96", "--seed", "5"])
    return out


def failed(done: Done, *, status: int = 1) -> str:
    """Return the one line that says what was wrong."""
    assert done.status == status, done
    assert "Traceback" not in done.err
    (line,) = (line for line in done.err.splitlines() if line.startswith("graticule: error:"))
    return line


def test_track_says_where_the_result_lies(graticule, movie, tmp_path):
    out = tmp_path / "movie.ome.zarr"
    done = graticule("track", movie, "--out", out, "--option", "sigma_px=2", "--polarity", "dark")
    assert done.status == 0, done
    for name in ("report/overlay.mp4", "report/index.html"):
        assert f"{out}/{name}" in done.out
        assert (out / name).exists()
    (config,) = out.glob("runs/segment-*/config.json")
    assert json.loads(config.read_text())["options"] == {"sigma_px": 2}
    again = graticule("track", movie, "--out", out, "--option", "sigma_px=2", "--polarity", "dark")
    assert again.status == 0
    assert again.out.startswith("already finished")
    other = graticule("track", movie, "--out", out, "--polarity", "dark")
    assert "--overwrite" in failed(other)


def test_several_movies_and_globs_go_into_a_folder_and_one_failure_stops_no_other(graticule, movie, tmp_path):
    folder, bad = tmp_path / "in", tmp_path / "in" / "bad.tif"
    folder.mkdir()
    for name in ("a.tif", "b.tif"):
        os.link(movie, folder / name)
    bad.write_bytes(b"no tiff at all")
    done = graticule("track", folder / "*.tif", "--out", tmp_path / "out", "--frames", "0:2")
    assert done.status == 1
    for name in ("a", "b"):
        assert f"{tmp_path}/out/{name}.ome.zarr/report/index.html" in done.out
        assert (tmp_path / "out" / f"{name}.ome.zarr" / "report" / "index.html").exists()
    assert "bad.tif" in done.err
    assert "1 of 3 movies failed" in done.err
    assert not Experiment.exists(f"{tmp_path}/out/bad.ome.zarr")


def test_movies_of_one_name_are_not_written_over_each_other(graticule, movie, tmp_path):
    other = tmp_path / "sintering.tif"
    os.link(movie, other)
    assert "sintering" in failed(graticule("track", movie, other, "--out", tmp_path / "out"))


def test_single_stages_lead_to_a_report(graticule, movie, tmp_path):
    out = tmp_path / "e.ome.zarr"
    for command, made in (
        (("ingest", movie, "--out", out), "0/zarr.json"),
        (("segment", out, "--tile", "64"), "labels/instances/zarr.json"),
        (("link", out), "tables/events.parquet"),
        (("report", out), "report/index.html"),
    ):
        done = graticule(*command)
        assert done.status == 0, done
        assert str(out) in done.out
        assert (out / made).exists()


def test_a_stage_without_the_one_before_names_the_command_to_run(graticule, movie, tmp_path):
    out = tmp_path / "e.ome.zarr"
    assert graticule("ingest", movie, "--out", out).status == 0
    assert "graticule segment" in failed(graticule("link", out))
    assert "unfinished" in failed(graticule("report", out))
    assert "unfinished" in failed(graticule("export", out, tmp_path / "csv", "--to", "csv"))


def test_segment_writes_label_images_of_a_movie(graticule, movie, tmp_path):
    done = graticule("segment", movie, "--out", tmp_path / "labels")
    assert done.status == 0, done
    assert done.out == f"labels: {tmp_path}/labels (3 images)\n"
    with Image.open(tmp_path / "labels" / "frame_000002.png") as image:
        assert image.size == (96, 96)


def test_segment_of_what_is_no_experiment_says_what_it_takes(graticule, movie):
    assert "is no experiment; add --out DIR for label images" in failed(graticule("segment", movie))


def test_simulate_says_where_the_experiment_lies(graticule, tmp_path):
    out = tmp_path / "e.ome.zarr"
    done = graticule("simulate", out, "--preset", "hard", "--frames", "2", "--size", "64")
    assert (done.status, done.out) == (0, f"experiment: {out}\n")
    assert "--overwrite" in failed(graticule("simulate", out, "--frames", "2", "--size", "64"))
    assert "easy, hard, medium" in failed(graticule("simulate", tmp_path / "f", "--preset", "odd"))


def test_evaluate_prints_a_figure_per_line_and_keeps_them_as_json(graticule, truth, tmp_path):
    done = graticule("evaluate", truth, truth, "--json", tmp_path / "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert done.status == 0
    assert figures["iou"] == 1
    assert dict(line.split() for line in done.out.splitlines()).keys() == figures.keys()
    assert "None" not in done.out


def test_export_prints_the_files_it_wrote(graticule, truth, tmp_path):
    done = graticule("export", truth, tmp_path / "csv", "--to", "csv")
    assert done.status == 0
    assert all(Path(line).exists() for line in done.out.splitlines())
    assert "particles.csv" in done.out
    assert graticule("export", truth, tmp_path / "tiff", "--to", "tiff").status == 0
    assert "csv, tiff" in failed(graticule("export", truth, tmp_path / "x", "--to", "xlsx"))
    assert "--overwrite" in failed(graticule("export", truth, tmp_path / "csv", "--to", "csv"))


def test_doctor_names_versions_and_extras(graticule):
    done = graticule("doctor")
    assert done.status == 0
    for name in ("python", "graticule", "ray", "zarr", "extra [em]", "extra [yolo]"):
        assert f"\n{name} " in f"\n{done.out}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("track",),
        ("track", "a.tif"),
        ("trakk",),
        ("track", "a.tif", "--out", "b", "--colour", "red"),
        ("track", "a.tif", "--out", "b", "--average", "many"),
        ("track", "a.tif", "--out", "b", "--polarity", "grey"),
        ("simulate", "b", "--frames", "0"),
        ("export", "b", "c"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_status_2(graticule, arguments):
    assert "--help" in failed(graticule(*arguments), status=2)


@pytest.mark.parametrize("command", ["track", "ingest", "segment", "link", "simulate", "evaluate", "export"])
def test_every_command_explains_itself(graticule, command):
    done = graticule(command, "--help")
    assert done.status == 0
    assert done.out.startswith(f"Usage: graticule {command}")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--option", "sigma_px"), "NAME=VALUE"),
        (("--option", "=2"), "--option '=2' has no name; write NAME=VALUE"),
        (("--option", "sigma=2"), "no option 'sigma'"),
        (("--option", "split=true", "--option", "split=false"), "--option split is given twice"),
        (("--polarity", "dark", "--option", "polarity=bright"), "polarity is given twice"),
        (
            ("--segmenter", "swin-unet", "--weights", "a.pt", "--option", "weights=b.pt"),
            "--weights a.pt and --option weights=b.pt: leave one out",
        ),
        (("--segmenter", "swin-unet", "--option", "weights=/none.pt"), "/none.pt: no such weights file"),
        (("--segmenter", "swin-unet", "--weights", "/none.pt", "--option", "device=gpu"), "device = 'gpu'"),
        (("--segmenter", "magic"), "known: efficient-sam-ti, swin-unet, threshold, vmamba, yolov8n-seg"),
        (("--weights", "w.pt"), "segmenter threshold has no weights; leave --weights out, or choose one of"),
        (("--segmenter", "swin-unet", "--weights", "/none.pt"), "/none.pt: no such weights file"),
        (("--segmenter", "swin-unet", "--weights", "models:/a@b"), "nothing is registered in sqlite:///"),
        (("--tracker", "magic"), "known: deaot, laptrack, overlap, trackpy"),
        (("--frames", "7:9"), "7:9"),
        (("--crop", "0:500,0:10"), "0:500"),
        (("--min-diameter-px", "2", "--min-diameter-nm", "2"), "not both"),
        (("--pixel-size-nm", "nan"), "--pixel-size-nm"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_value_that_cannot_be_is_named(graticule, movie, tmp_path, option, said):
    assert said in failed(graticule("track", movie, "--out", tmp_path / "o.ome.zarr", *option))


def test_a_network_without_weights_says_what_to_give(graticule, nothing_shipped, movie, tmp_path):
    line = failed(graticule("track", movie, "--out", tmp_path / "o.ome.zarr", "--segmenter", "swin-unet"))
    assert "ships no weights in this version; give --weights FILE, URL or models:/" in line


@pytest.mark.parametrize(
    "arguments",
    [
        ("track", "movie.tif", "--out", "/tmp/out.ome.zarr"),
        ("ingest", "/tmp/movie.tif", "--out", "out.ome.zarr"),
        ("link", "out.ome.zarr"),
        ("simulate", "out.ome.zarr"),
        ("segment", "/tmp/a.tif", "--weights", "swin.safetensors"),
        ("segment", "/tmp/a.tif", "--option", "weights=swin.safetensors"),
    ],
    ids=" ".join,
)
def test_a_relative_path_is_refused_in_a_submitted_job_and_its_absolute_form_given(
    graticule, monkeypatch, arguments
):
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    (relative,) = (
        name.removeprefix("weights=") for name in arguments[1:] if "." in name and not name.startswith("/")
    )
    line = failed(graticule(*arguments))
    assert f"{relative!r} is relative" in line
    assert os.path.abspath(relative) in line
