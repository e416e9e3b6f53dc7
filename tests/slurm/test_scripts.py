"""The scripts themselves, and what they refuse before Ray is needed."""

import re
import shutil
import subprocess
import sys

import pytest

from .allocations import ROOT, STANDINS, Cluster

SLURM = ROOT / "infra" / "slurm"
SHELL = [SLURM / "graticule.sbatch", SLURM / "node.sh", SLURM / "worker.sh"]
HELPERS = [STANDINS / "ssh", STANDINS / "apptainer", STANDINS.parent / "real_slurm.sh"]
TRACK = "jobs/track_dataset.py"


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="needs the Debian package shellcheck")
def test_shellcheck_has_nothing_to_say():
    found = subprocess.run(
        ["shellcheck", *SHELL, *HELPERS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout + found.stderr == ""


def test_every_variable_of_the_script_is_explained_at_its_top():
    top, _, script = SHELL[0].read_text().partition("\nset -e")
    used = set(re.findall(r"GRATICULE_\w+", script + "".join(part.read_text() for part in SHELL[1:])))
    explained = set(re.findall(r"^# {3}(GRATICULE_\w+)", top, re.MULTILINE))
    assert used == explained


def test_no_part_ends_a_ray_that_is_not_its_own():
    said = "".join(part.read_text() for part in SHELL)
    assert not re.search(r"ray stop|pkill|killall", said)


WRONG = {
    "no job": ([], {}, "no job given; such as: sbatch infra/slurm/graticule.sbatch jobs/track_dataset.py"),
    "a job that is not there": (
        ["jobs/trak.py"],
        {},
        f"no job jobs/trak.py in {ROOT}; jobs: compare_models.py",
    ),
    "a number that is none": (
        [TRACK, "/m.mrc"],
        {"GRATICULE_START_SECONDS": "5m"},
        "GRATICULE_START_SECONDS is '5m'; give a whole number, such as 300",
    ),
    "an environment that is not there": (
        [TRACK, "/m.mrc"],
        {"GRATICULE_VENV": "/no/venv"},
        "GRATICULE_VENV: no virtual environment /no/venv; make one: docs/deploy/slurm.md",
    ),
    "an image that is not there": (
        [TRACK, "/m.mrc"],
        {"GRATICULE_IMAGE": "/no/image.sif"},
        "GRATICULE_IMAGE: no file /no/image.sif; build it: docs/deploy/slurm.md",
    ),
    "modules where there are none": (
        [TRACK, "/m.mrc"],
        {"GRATICULE_MODULES": "python/3.11"},
        "GRATICULE_MODULES is set, but",
    ),
    "another folder": (
        [TRACK, "/m.mrc"],
        {"GRATICULE_ROOT": "/no"},
        "no graticule in /no; submit from its folder, or set GRATICULE_ROOT",
    ),
    "a long path": (
        [TRACK, "/m.mrc"],
        {"GRATICULE_SCRATCH": "LONG"},
        "is too long a path for Ray's sockets; set GRATICULE_SCRATCH to a shorter one, such as /tmp",
    ),
    "no local disk": (
        [TRACK, "/m.mrc"],
        {"GRATICULE_SCRATCH": "/no/disk"},
        "cannot write to /no/disk on",
    ),
    "more store than memory": (
        [TRACK, "/m.mrc"],
        {"GRATICULE_OBJECT_STORE_MIB": "5000"},
        "GRATICULE_OBJECT_STORE_MIB is 5000, and node1 has 1024 MiB in all; give less, or sbatch --mem more",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_is_told_in_one_line(cluster: Cluster, tmp_path, case):
    words, environment, message = WRONG[case]
    environment = {name: value.replace("LONG", str(tmp_path)) for name, value in environment.items()}
    ended = cluster.run_script(*words, **environment)
    assert ended.returncode == 2
    [line] = [line for line in ended.stderr.splitlines() if not line.startswith("mktemp: ")]
    assert line.startswith("graticule.sbatch: ")
    assert message in line
    assert list(cluster.scratch.iterdir()) == []


def test_outside_of_slurm_it_says_how_to_submit(cluster: Cluster):
    ended = cluster.run_script(TRACK, SLURM_JOB_ID="")
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "graticule.sbatch: no allocation of Slurm here; submit it: sbatch infra/slurm/graticule.sbatch JOB …"
    ]


def address(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SLURM / "address.py", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_head_is_known_by_the_address_that_packets_to_the_others_leave_from():
    assert address("127.0.0.1", "").stdout == "127.0.0.1\n"
    assert address("node1", "lo").stdout == "127.0.0.1\n"


def test_an_interface_that_is_not_there_is_told_with_those_that_are():
    answer = address("node2", "ib7")
    assert answer.returncode == 1
    assert answer.stderr.startswith("graticule.sbatch: GRATICULE_INTERFACE is 'ib7': ")
    assert "lo" in answer.stderr.partition("interfaces: ")[2]


@pytest.fixture
def given_to_ray(cluster: Cluster, tmp_path):
    """Run the script with a ``ray`` that only writes down its options; return them."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    ray = venv / "bin" / "ray"
    ray.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/given\n')
    ray.chmod(0o755)

    def start(**environment: str) -> dict[str, str]:
        path = f"{venv}/bin:{cluster.environment()['PATH']}"
        ended = cluster.run_script(TRACK, PATH=path, GRATICULE_VENV=str(venv), **environment)
        assert ended.stderr.splitlines() == ["graticule.sbatch: Ray did not start on node1: no word of it"]
        assert ended.returncode == 1
        words = (tmp_path / "given").read_text().split()
        return dict(word.removeprefix("--").split("=", 1) for word in words if "=" in word)

    return start


GIB = 2**30


@pytest.mark.parametrize(
    ("granted", "cpus", "gpus", "store", "memory"),
    [
        ({"SLURM_CPUS_ON_NODE": "3", "SLURM_CPUS_PER_TASK": "2"}, "3", "0", 0.25, 0.75),
        ({"SLURM_CPUS_PER_TASK": "2", "SLURM_GPUS_ON_NODE": "4"}, "2", "4", 0.25, 0.75),
        (
            {"SLURM_MEM_PER_NODE": "", "SLURM_MEM_PER_CPU": "1024", "SLURM_CPUS_ON_NODE": "2"},
            "2",
            "0",
            0.25,
            1.75,
        ),
    ],
)
def test_ray_gets_what_slurm_granted(given_to_ray, granted, cpus, gpus, store, memory):
    given = given_to_ray(**granted, GRATICULE_OBJECT_STORE_MIB="256")
    assert (given["num-cpus"], given["num-gpus"]) == (cpus, gpus)
    assert int(given["object-store-memory"]) == store * GIB
    assert int(given["memory"]) == memory * GIB


def test_an_image_is_what_the_commands_run_in(given_to_ray, tmp_path):
    image = tmp_path / "graticule.sif"
    image.write_text("an image")
    assert given_to_ray(GRATICULE_IMAGE=str(image), SLURM_GPUS_ON_NODE="1")["num-gpus"] == "1"
