"""Real Rays on two nodes that are one machine: runs, failures, ends."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from movies import sintering_tiff
from trees import digests

from .allocations import ROOT, Cluster, Job, command_lines

JOBS = Path(__file__).parent / "jobs"
RUN_JOB = ROOT / "infra" / "slurm" / "run_job.py"
TRACK = "jobs/track_dataset.py"
ODD = ["two words", "$HOME", "*", "it's"]


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A movie, and what comes of it where nothing is interrupted."""

    movie: Path
    result: dict[str, str]
    job: Job


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A run on two nodes that was cancelled, as it was and as it ended."""

    job: Job
    out: Path
    nodes: dict[str, dict[str, Any]]
    refused: int
    folders: dict[str, int]
    tokens: dict[str, int]
    secret: str
    commands: list[str]
    late: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def lost(cluster) -> Iterator[Job]:
    """Two nodes and a job that waits; at the same time as another run."""
    job = cluster.submit(JOBS / "waits.py", nodes=2)
    yield job
    cluster.cancel(job)


@pytest.fixture(scope="module")
def whole(cluster, tmp_path_factory, lost) -> Whole:
    """One node; the job tracks a movie and fails then."""
    folder = tmp_path_factory.mktemp("whole")
    movie, out = sintering_tiff(folder / "movie.tif", frames=8), folder / "movie.ome.zarr"
    job = cluster.submit(JOBS / "ends_with_7.py", movie, out, *ODD)
    job.status()
    return Whole(movie=movie, result=digests(out), job=job)


@pytest.fixture(scope="module")
def broken(cluster, whole, tmp_path_factory) -> Broken:
    """Two nodes; cancelled once the movie is ingested."""
    out = tmp_path_factory.mktemp("broken") / "movie.ome.zarr"
    job = cluster.submit(TRACK, whole.movie, "--out", out, nodes=2)
    said = job.wait_for("joined: ")
    dashboard = re.search(r"-L 8265:(127\.0\.0\.1:\d+) node1", said)[1]
    tokens = [folder / "token" for folder in job.folders()]
    secret = tokens[0].read_text()
    found = Broken(
        job=job,
        out=out,
        nodes={node["node_name"]: node for node in ask(dashboard, "/api/v0/nodes?detail=1", secret)},
        refused=status_of(dashboard, "/api/jobs/"),
        folders={str(folder): stat.S_IMODE(folder.stat().st_mode) for folder in job.folders()},
        tokens={token.read_text(): stat.S_IMODE(token.stat().st_mode) for token in tokens},
        secret=secret,
        commands=list(command_lines()),
        late=waiting_for(["node1", "node2", "node3", "node4"], dashboard, tokens[0], cluster),
    )
    job.wait_for("graticule: ingest done")
    cluster.cancel(job)
    job.status()
    return found


def waiting_for(
    nodes: list[str], dashboard: str, token: Path, cluster: Cluster
) -> subprocess.CompletedProcess[str]:
    """Run what waits for nodes and submits, on a cluster that runs, half a second long."""
    command = [sys.executable, RUN_JOB, f"http://{dashboard}", "0.5", ",".join(nodes), "true"]
    environment = {**cluster.environment(), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def ask(dashboard: str, path: str, secret: str) -> list[dict[str, Any]]:
    request = Request(f"http://{dashboard}{path}", headers={"Authorization": f"Bearer {secret}"})
    with urlopen(request) as answer:
        return json.load(answer)["data"]["result"]["result"]


def status_of(dashboard: str, path: str) -> int:
    try:
        with urlopen(f"http://{dashboard}{path}") as answer:
            return answer.status
    except HTTPError as refused:
        return refused.code


def test_the_jobs_status_is_the_scripts(whole: Whole):
    assert whole.job.status() == 7
    assert whole.job.errors() == []
    whole.job.assert_nothing_is_left()


def test_a_job_gets_its_words_as_they_were_given(whole: Whole):
    assert f"given: {json.dumps(ODD)}" in whole.job.said()


def test_two_allocations_can_share_a_node(whole: Whole, lost: Job):
    said = [job.wait_for("joined: ") for job in (whole.job, lost)]
    ports = [re.search(r"8265:127\.0\.0\.1:(\d+)", text)[1] for text in said]
    assert len(set(ports)) == 2


def test_a_node_that_is_lost_ends_the_run(lost: Job):
    lost.wait_for("joined: ")
    os.kill(started_on(lost, "node2"), signal.SIGKILL)
    assert lost.status() == 1
    why, ended = lost.errors()
    assert why == "Ray ended on node2: killed by signal 9, for want of memory perhaps"
    assert ended.startswith("Ray ended on a node (above); the same command goes on")
    lost.assert_nothing_is_left()


def test_all_nodes_are_there_before_the_job_begins(broken: Broken):
    said = broken.job.said()
    assert said.index("joined: node1,node2") < said.index("graticule: ")
    assert set(broken.nodes) == {"node1", "node2"}
    for node in broken.nodes.values():
        assert node["state"] == "ALIVE"
        assert node["resources_total"]["CPU"] == 1.0
        assert node["resources_total"]["object_store_memory"] == 128 * 2**20


def test_the_token_is_for_this_user_alone(broken: Broken, cluster: Cluster):
    assert set(broken.tokens) == {broken.secret}, "one for all nodes"
    assert len(broken.folders) == 2
    assert set(broken.folders.values()) == {0o700}
    assert set(broken.tokens.values()) == {0o600}
    assert len(broken.secret) == 64
    assert not [command for command in broken.commands if broken.secret in command]
    assert broken.refused == 401


def test_the_token_is_in_no_log(broken: Broken, cluster: Cluster):
    logs = [broken.job.log, *(cluster.logs / "ray" / broken.job.name).rglob("*")]
    files = [log for log in logs if log.is_file()]
    assert {"node1", "node2"} <= {
        log.relative_to(cluster.logs / "ray" / broken.job.name).parts[0] for log in files[1:]
    }
    assert not [log for log in files if broken.secret.encode() in log.read_bytes()]


def test_a_cancelled_run_ends_everything_and_says_how_to_go_on(broken: Broken):
    assert broken.job.status() == 143
    [line] = broken.job.errors()
    assert line.startswith("told to end: cancelled, preempted or out of time; the same command goes on")
    broken.job.assert_nothing_is_left()


def test_the_same_command_goes_on_to_the_same_bytes(broken: Broken, whole: Whole, cluster: Cluster):
    again = cluster.submit(TRACK, whole.movie, "--out", broken.out, nodes=2)
    assert again.status() == 0, again.said()
    assert "graticule: ingest done" not in again.said()
    assert "graticule: report done" in again.said()
    assert digests(broken.out) == whole.result
    again.assert_nothing_is_left()


def test_nodes_that_do_not_join_are_named_in_one_line(broken: Broken):
    assert broken.late.returncode == 1
    assert broken.late.stderr.splitlines() == [
        "graticule.sbatch: not joined within 0.5 s (GRATICULE_START_SECONDS): node3, node4"
    ]


def started_on(job: Job, node: str) -> int:
    [found] = [
        process.pid
        for process in job.processes()
        if {"start", f"--node-name={node}"} <= set(process.cmdline())
    ]
    return found
