"""A release works on a machine that has never seen this checkout: without extras, and with each."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import zarr

from clean_machine import CleanMachine, uv
from microscope_files import mrc

UNSIGNED_16 = 6
EXTRAS = ("em", "yolo", "compare", "server", "mamba")
WITHOUT = {
    "em": "pip install 'graticule[em]'",
    "yolo": "pip install 'graticule[yolo]'",
    "compare": "pip install 'graticule[compare]'",
}
"""What a command that needs an extra says without it."""
TRACKED = {
    None: (),
    "em": (),
    "yolo": ("--segmenter", "yolov8n-seg"),
    "compare": ("--tracker", "laptrack"),
    "server": (),
}
"""How the tiny movie is tracked, so that what an extra brings has its part in it."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory) -> CleanMachine:
    return CleanMachine(folder=tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def movie(machine) -> Path:
    """A simulated movie of four frames."""
    path = machine.folder / "movie.ome.zarr"
    machine.out("graticule", "simulate", path, "--preset", "easy", "--size", 96, "--frames", 4)
    return path


@pytest.fixture(scope="module", params=TRACKED, ids=str)
def installed(request, machine, release) -> str | None:
    """The extra that is installed, in an environment of its own."""
    machine.install(release.wheel, request.param)
    return request.param


def test_it_is_imported_from_the_environment_and_knows_its_version(installed, machine, release):
    said = machine.out(
        "python", "-c", "import graticule; print(graticule.__file__, graticule.__version__)"
    ).split()
    assert Path(said[0]).is_relative_to(machine.folder / "venv")
    assert f"-{said[1]}-" in release.wheel.name
    assert machine.out("graticule", "--version") == f"graticule {said[1]}\n"


def test_the_doctor_finds_nothing_wrong_and_names_the_extras(installed, machine):
    said = json.loads(machine.out("graticule", "doctor", "--json"))
    assert said["works"]
    found = {each["name"]: each for each in said["findings"]}
    extras = {name: found[f"extra [{name}]"]["state"] for name in EXTRAS}
    assert extras == {name: "fine" if name == installed else "absent" for name in extras}
    assert "revision" not in found
    assert all(f"[{name}]" in found[f"extra [{name}]"]["remedy"] for name in extras if name != installed)


def test_a_tiny_movie_is_tracked(installed, machine, movie):
    source = machine.folder / "movie.mrc" if installed == "em" else movie
    if installed == "em":
        mrc(source, frames_of(movie), mode=UNSIGNED_16)
    out = machine.folder / f"with_{installed}.ome.zarr"
    how = ("--segmenter", "threshold", *TRACKED[installed])
    machine.out("graticule", "track", source, "--out", out, *how)
    particles = pq.read_table(out / "tables" / "particles.parquet")
    assert len(particles) > 0
    assert set(particles["frame"].to_pylist()) <= {0, 1, 2, 3}
    assert (out / "report" / "overlay.mp4").stat().st_size > 0
    (environment,) = {file.read_text() for file in out.glob("runs/link-*/environment.json")}
    assert json.loads(environment)["graticule"] == machine.out("graticule", "--version").split()[1]


@pytest.fixture(scope="module")
def plain(machine, release) -> CleanMachine:
    """The machine without any extra, once more."""
    machine.install(release.wheel)
    return machine


def test_what_an_extra_is_for_asks_for_it_in_one_line(plain, movie):
    foreign = mrc(plain.folder / "other.mrc", frames_of(movie), mode=UNSIGNED_16)
    asked = {
        "em": ("track", foreign, "--out", plain.folder / "no.ome.zarr"),
        "yolo": ("segment", movie, "--segmenter", "yolov8n-seg"),
        "compare": ("link", movie, "--tracker", "laptrack", "--overwrite"),
    }
    for extra, command in asked.items():
        done = plain.run("graticule", *command)
        assert done.returncode == 1
        assert WITHOUT[extra] in done.stderr
        assert done.stderr.count("\n") == 1


def test_mamba_without_its_kernels_is_named_and_another_scan_is_taken(plain):
    skip = {"MAMBA_SKIP_CUDA_BUILD": "TRUE", "MAMBA_FORCE_BUILD": "TRUE"}
    plain.add("setuptools", "wheel", "ninja")
    plain.add("--no-build-isolation", "--no-deps", "mamba-ssm", **skip)
    scans = "from graticule.models.selective_scan.backends import chosen, obstacle"
    code = f"{scans}; print(obstacle('mamba', 'cuda'), chosen('auto', 'cpu'))"
    assert plain.out("python", "-c", code) == "mamba-ssm was built without its CUDA kernels compiled\n"


def test_all_extras_together_can_be_resolved_with_the_packages_of_today(release, tmp_path):
    asked = tmp_path / "asked.in"
    asked.write_text(f"graticule[{','.join(EXTRAS)}] @ {release.wheel.as_uri()}\n")
    resolved = uv("pip", "compile", "--quiet", "--no-header", "--python", sys.executable, asked)
    assert {"torch", "rosettasciio", "ultralytics", "laptrack", "boto3", "mamba-ssm"} <= {
        line.partition("==")[0] for line in resolved.splitlines()
    }


def frames_of(experiment: Path) -> np.ndarray:
    return np.asarray(zarr.open_array(experiment, path="0", mode="r")[:])
