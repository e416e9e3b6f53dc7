"""No name, link or address in what comes in leads out of where it belongs."""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zarr
from fastapi.testclient import TestClient

from endpoint import SMALL
from graticule.core.errors import InputError, StorageError
from graticule.io import open_movie
from graticule.io.places import stem
from graticule.pipeline.in_process import run_in_process
from graticule.pipeline.settings import LinkSettings, TrackSettings
from graticule.pipeline.single import export_experiment, link_experiment, report_experiment
from graticule.pipeline.track import track_movie
from graticule.storage.place import Place
from graticule.storage.run import Run
from movies import sintering_tiff
from serve.local import local_api

HOW = {"execute": run_in_process, "listener": lambda _: None}


@pytest.fixture(scope="module")
def tracked(tmp_path_factory) -> Path:
    """A small experiment."""
    folder = tmp_path_factory.mktemp("tracked")
    movie = sintering_tiff(folder / "movie.tif", frames=3, size=64)
    track_movie(str(movie), str(folder / "a.ome.zarr"), TrackSettings(), **HOW)
    return folder / "a.ome.zarr"


@pytest.fixture
def experiment(tracked, tmp_path) -> Path:
    """A copy of it, to be tampered with."""
    return Path(shutil.copytree(tracked, tmp_path / "theirs" / "a.ome.zarr"))


@pytest.fixture
def victim(tmp_path) -> Iterator[Path]:
    """A folder that nobody may change."""
    folder = tmp_path / "victim"
    (folder / "figures").mkdir(parents=True)
    for name in ("index.html", "overlay.mp4", "particles.parquet", "zarr.json", "figures/keyframes.png"):
        (folder / name).write_text("mine")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    yield folder
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before, "files outside were changed"


def linked(experiment: Path, part: str, to: Path) -> None:
    """Put a link in the place of a part of an experiment, as if its stages had not yet run."""
    stages = ("report",) if part == "report" else ("link", "report")
    for folder in (experiment / "runs").iterdir():
        if folder.name.startswith(stages):
            shutil.rmtree(folder)
    shutil.rmtree(experiment / part)
    (experiment / part).symlink_to(to, target_is_directory=True)


def test_a_report_is_not_written_through_a_link_that_leads_out(experiment, victim):
    linked(experiment, "report", victim)
    with pytest.raises(StorageError, match=r"is a link that leads out of .*; delete the link"):
        report_experiment(str(experiment), **HOW)


@pytest.mark.parametrize("part", ["tables", "labels/tracks", "tracks.geff"])
def test_results_are_not_written_or_deleted_through_links_that_lead_out(experiment, victim, part):
    linked(experiment, part, victim)
    with pytest.raises(StorageError, match="is a link that leads out of"):
        link_experiment(str(experiment), LinkSettings(), overwrite=True, **HOW)


def test_links_within_an_experiment_and_to_all_of_it_are_their_owners_matter(experiment, tmp_path):
    shutil.rmtree(next((experiment / "runs").glob("report-*")))
    (experiment / "report").rename(experiment / "report-kept")
    (experiment / "report-kept" / "index.html").unlink()
    (experiment / "report").symlink_to("report-kept", target_is_directory=True)
    (tmp_path / "short").symlink_to(experiment, target_is_directory=True)
    report_experiment(str(tmp_path / "short"), **HOW)
    assert (experiment / "report-kept" / "index.html").is_file()


def test_an_export_has_names_of_its_own_whatever_the_experiment_is_called(experiment, tmp_path):
    attributes = json.loads((experiment / "zarr.json").read_text())
    attributes["attributes"]["graticule"]["name"] = "../../../evil"
    (experiment / "zarr.json").write_text(json.dumps(attributes))
    out = tmp_path / "out"
    files = export_experiment(str(experiment), "csv", str(out)) + export_experiment(
        str(experiment), "tiff", str(out)
    )
    assert {os.path.dirname(file) for file in files} == {str(out)}
    assert sorted(os.listdir(tmp_path)) == ["out", "theirs"]


def test_an_export_replaces_a_link_in_its_folder_and_not_what_it_leads_to(experiment, tmp_path, victim):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "particles.csv").symlink_to(victim / "index.html")
    export_experiment(str(experiment), "csv", str(tmp_path / "out"), overwrite=True)
    assert not (tmp_path / "out" / "particles.csv").is_symlink()


@pytest.mark.parametrize("key", ["../evil", "a/b", "", ".hidden", "a\0b"])
def test_a_mark_of_a_window_is_no_path(tmp_path, key):
    run = Run(Place.at(str(tmp_path)), "segment-0")
    with pytest.raises(ValueError, match="cannot name a file"):
        run.mark(key, {"x": np.zeros(1)})
    with pytest.raises(ValueError, match="cannot name a file"):
        Run(Place.at(str(tmp_path)), key)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("/data/..", ".."),
        ("https://h/..%2f..%2fevil.tif", "..%2f..%2fevil"),
        ("https://h/a.tif?name=../../evil.tif", "a"),
        ("s3://bucket/a/../../evil.ome.zarr", "evil"),
        ("/data/a\\..\\evil.tif", "a\\..\\evil"),
    ],
)
def test_the_name_of_a_movie_has_no_folders(source, named):
    assert stem(source) == named
    assert "/" not in stem(source)


def zarr_image(folder: Path, path: str) -> Path:
    """Write an OME-Zarr image whose pixels are said to lie at ``path``."""
    group = zarr.open_group(str(folder), mode="w")
    axes = [{"name": name, "type": kind} for name, kind in (("t", "time"), ("y", "space"), ("x", "space"))]
    scale = [{"type": "scale", "scale": [1, 1, 1]}]
    datasets = [{"path": path, "coordinateTransformations": scale}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    return folder


@pytest.mark.parametrize(
    "path", ["../secret.zarr", "a/../../secret.zarr", "/{folder}/secret.zarr", "./../secret.zarr"]
)
def test_an_image_does_not_show_pixels_of_another_folder(tmp_path, path):
    zarr.create_array(str(tmp_path / "secret.zarr"), shape=(1, 64, 64), dtype="uint8")[:] = 7
    image = zarr_image(tmp_path / "theirs.ome.zarr", path.format(folder=str(tmp_path).strip("/")))
    with pytest.raises(InputError):
        open_movie(str(image)).read(0, 1)


def test_an_archive_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "movie.zip", "w") as archive:
        archive.writestr("../../evil.tif", b"II*\0")
    with pytest.raises(InputError, match="has an ending that is not known"):
        open_movie(str(tmp_path / "movie.zip"))
    assert sorted(os.listdir(tmp_path)) == ["movie.zip"]


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRATICULE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with TestClient(local_api(SMALL), raise_server_exceptions=False) as server:
            yield server


PATHS = [
    "/page/../settings.py",
    "/page/..%2fsettings.py",
    "/page/%2e%2e/settings.py",
    "/page/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/page//etc/passwd",
    "/page/..\\settings.py",
    "/v1/jobs/../../etc/passwd",
    "/v1/jobs/..%2f..%2fetc/passwd",
    "/v1/jobs/%2e%2e/particles.csv",
    "/v1/jobs/x/..%2f..%2fjob.json",
    "/v1/jobs/x%00/particles.csv",
    "//etc/passwd",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_address_of_the_endpoint_leads_to_other_files(client, path):
    answer = client.get(path)
    assert answer.status_code in (400, 404), (answer.status_code, answer.text[:200])
    assert "root:" not in answer.text
    assert "class ServeSettings" not in answer.text


MODELS = [
    "../../../etc/passwd",
    "/etc/passwd",
    "swin-unet=/etc/passwd",
    "swin-unet /etc/passwd",
    "https://stranger.example/weights.safetensors",
    "file:///etc/passwd",
    "models:/../../etc/passwd",
    "models:/graticule-segmenter/../../1",
    "models:/theirs/1",
]


@pytest.mark.parametrize("model", MODELS)
def test_no_model_of_the_endpoint_is_a_file_or_an_address(client, model):
    answer = client.post("/v1/segment", files={"image": ("a.png", b"\x89PNG")}, data={"model": model})
    assert answer.status_code in (404, 415, 422), answer.text
    assert client.post("/v1/segment?model=" + model, content=PNG, headers=AS_PNG).status_code == 404


@pytest.mark.parametrize(
    "name", ["../../evil.tif", "..\\evil.tif", "/tmp/evil.tif", "a\0.tif", "..", "x\r\nSet-Cookie: a=b.tif"]
)
def test_no_movie_of_the_endpoint_has_a_path_for_a_name(client, name):
    form = client.post("/v1/track", files={"movie": (name, b"II*\0")})
    raw = client.post(
        "/v1/track", params={"name": name}, content=b"II*\0", headers={"content-type": "image/tiff"}
    )
    assert form.status_code in (400, 415, 422), form.text  # a client may write such names with %00
    assert raw.status_code == 400, raw.text


def _png() -> bytes:
    from PIL import Image

    sink = io.BytesIO()
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(sink, "png")
    return sink.getvalue()


PNG, AS_PNG = _png(), {"content-type": "image/png"}
