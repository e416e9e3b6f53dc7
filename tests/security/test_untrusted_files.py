"""Files from strangers run nothing, wherever they are handed in."""

import io
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from graticule.core.errors import GraticuleError, InputError
from graticule.experiments import models as registry
from graticule.io import open_movie
from graticule.models.weights import load_network
from graticule.storage.place import Place
from graticule.storage.run import Run
from graticule.storage.tables import table_from
from graticule.training.sources import open_source
from labelled_images import labelled_folder
from movies import sintering_tiff
from typed import typed

MARK = "GRATICULE_TEST_RAN"
"""Set in the environment of this process by pickles that are built."""


class Loud:
    """Runs code that a test can see."""

    def __reduce__(self):
        return exec, (f"import os; os.environ[{MARK!r}] = '1'",)


@pytest.fixture(autouse=True)
def nothing_ran(monkeypatch):
    """No test here may have run what lay in a file, unless it says so."""
    monkeypatch.delenv(MARK, raising=False)
    yield
    assert MARK not in os.environ, "a file ran code"


def zip_file(path: Path) -> Path:
    torch.save({"model": Loud()}, path)
    return path


def old_file(path: Path) -> Path:
    torch.save({"model": Loud()}, path, _use_new_zipfile_serialization=False)
    return path


def bare_pickle(path: Path) -> Path:
    path.write_bytes(pickle.dumps(Loud()))
    return path


def oldest_pickle(path: Path) -> Path:
    path.write_bytes(pickle.dumps(Loud(), protocol=0))
    return path


FILES = {
    "torch, zip": (zip_file, "a.pt"),
    "torch, before 1.6": (old_file, "a.pth"),
    "pickle": (bare_pickle, "a.pkl"),
    "pickle called safetensors": (bare_pickle, "a.safetensors"),
    "pickle of protocol 0": (oldest_pickle, "a.pt"),
}
SWIN, VMAMBA = ("--segmenter", "swin-unet"), ("--segmenter", "vmamba")
COMMANDS = {
    "segment": ("segment", "{images}", "--out", "{out}", *SWIN, "--weights", "{file}"),
    "track": ("track", "{movie}", "--out", "{out}", *VMAMBA, "--weights", "{file}"),
    "train": ("train", "--model", "vmamba", "--data", "{data}", "--out", "{out}", "--start", "{file}"),
    "convert": ("models", "convert", "{file}", "--out", "{out}.safetensors"),
    "convert, named": ("models", "convert", "{file}", "--network", "swin-unet", "--out", "{out}.safetensors"),
}


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("given")
    data = labelled_folder(folder / "data", count=2, size=48)
    return {
        "data": data,
        "images": data / "images",
        "movie": sintering_tiff(folder / "a.tif", frames=2, size=64),
    }


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(("write", "name"), FILES.values(), ids=FILES)
def test_weights_from_a_stranger_are_refused_and_nothing_in_them_runs(
    given,
    mlflow_home,
    tmp_path,
    capsys,
    caplog,
    write,
    name,
    command,
):
    places = {**given, "file": write(tmp_path / name), "out": tmp_path / "out"}
    done = typed(*(part.format(**places) for part in command), capsys=capsys, caplog=caplog)
    assert done.status == 1, done
    assert str(tmp_path / name) in done.out + done.err
    assert not list(tmp_path.glob("out*.safetensors"))


@pytest.mark.parametrize("network", ["swin-unet", "vmamba", "efficient-sam-ti", "yolov8n-seg", "deaot-t"])
def test_no_network_builds_what_is_pickled(tmp_path, network):
    """Segmenters, trackers, comparisons and the endpoint all have their weights from here."""
    for write, name in FILES.values():
        with pytest.raises(InputError):
            load_network(network, str(write(tmp_path / name)))


def test_trust_is_what_it_says_it_runs_what_the_file_holds(tmp_path, capsys, caplog):
    file = zip_file(tmp_path / "a.pt")
    asked = ("models", "convert", file, "--trust", "--network", "swin-unet")
    assert typed(*asked, capsys=capsys, caplog=caplog).status == 1
    assert os.environ.pop(MARK) == "1"


@pytest.mark.parametrize("weights", [bare_pickle, zip_file])
def test_a_registered_model_that_is_a_pickle_is_fetched_and_not_run(mlflow_home, tmp_path, weights):
    from graticule.experiments.server import client

    folder = tmp_path / "model"
    (folder / "artifacts").mkdir(parents=True)
    bare_pickle(folder / "python_model.pkl")
    (folder / "MLmodel").write_text(
        json.dumps({"flavors": {"python_function": {"python_model": "python_model.pkl"}}})
    )
    weights(folder / "artifacts" / "w.safetensors")
    client().create_registered_model("theirs")
    client().create_model_version("theirs", source=str(folder))
    assert list(registry.fetch("models:/theirs/1").rglob("python_model.pkl"))
    with pytest.raises(InputError):
        load_network("swin-unet", "models:/theirs/1")


def npz_of_objects() -> bytes:
    sink = io.BytesIO()
    np.savez(sink, values=np.array([Loud()], dtype=object))
    return sink.getvalue()


def test_the_result_of_a_window_is_not_unpickled(tmp_path):
    run = Run(Place.at(str(tmp_path)), "segment-0")
    run.place.write("runs/segment-0/marks/a.npz", npz_of_objects())
    [mark] = tmp_path.rglob("a.npz")
    run.mark("b", {"x": np.zeros(1)})
    [ours] = tmp_path.rglob("b.npz")
    mark.rename(ours.with_name("a.npz"))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        run.result("a")


def test_a_table_with_a_type_that_is_a_pickle_is_read_as_what_it_stores():
    table = pa.table({"a": pa.array([b"1"])})
    marks = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Loud()),
    }
    field = pa.field("a", pa.binary(), metadata=marks)
    sink = io.BytesIO()
    pq.write_table(table.cast(pa.schema([field], metadata={b"pandas": pickle.dumps(Loud())})), sink)
    assert table_from(sink.getvalue()).column("a").to_pylist() == [b"1"]


AXES = [{"name": "t", "type": "time"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
SCALE = [{"type": "scale", "scale": [1, 1, 1]}]
PICKLE, TEXT = {"id": "pickle"}, {"id": "vlen-utf8"}
CODECS = {
    "compressor": {"compressor": PICKLE},
    "filter": {"filters": [PICKLE]},
    "objects": {"dtype": "|O", "fill_value": None, "filters": [PICKLE]},
    "behind another filter": {"dtype": "|O", "fill_value": None, "filters": [TEXT, PICKLE]},
    "compressor of objects": {"dtype": "|O", "fill_value": None, "filters": [TEXT], "compressor": PICKLE},
}


@pytest.mark.parametrize("array", CODECS.values(), ids=CODECS)
def test_a_zarr_image_whose_codec_pickles_is_refused(tmp_path, array):
    plain = {"zarr_format": 2, "shape": [1, 64, 64], "chunks": [1, 64, 64], "dtype": "<u2", "order": "C"}
    image = {"version": "0.4", "axes": AXES, "datasets": [{"path": "0", "coordinateTransformations": SCALE}]}
    folder = tmp_path / "a.ome.zarr"
    (folder / "0").mkdir(parents=True)
    (folder / ".zgroup").write_text('{"zarr_format": 2}')
    (folder / ".zattrs").write_text(json.dumps({"multiscales": [image]}))
    described = {**plain, "compressor": None, "fill_value": 0, "filters": None, **array}
    (folder / "0" / ".zarray").write_text(json.dumps(described))
    (folder / "0" / "0.0.0").write_bytes(pickle.dumps(Loud()))
    with pytest.raises(InputError):
        open_movie(str(folder)).read(0, 1)


@pytest.mark.parametrize(
    "ending", ["npy", "npz", "pkl", "tif", "png", "mp4", "dm4", "mrc", "emd", "ser", "tvips", "hspy"]
)
def test_a_pickle_is_no_movie_whatever_it_is_called(tmp_path, ending):
    path = bare_pickle(tmp_path / f"movie.{ending}")
    with pytest.raises(InputError):
        open_movie(str(path)).read(0, 1)


@pytest.mark.parametrize("ending", ["png", "tif", "npy", "npz"])
def test_a_pickle_is_no_label_image(tmp_path, ending):
    labelled_folder(tmp_path / "set", count=2, size=48)
    for path in (tmp_path / "set" / "instances").iterdir():
        path.unlink()
        bare_pickle(path.with_suffix(f".{ending}"))
    with pytest.raises(GraticuleError):
        open_source(str(tmp_path / "set")).check()
