"""A job of one's own, made from the suspended one of an overlay."""

import json
import shlex
import subprocess
import sys
from copy import deepcopy

import pytest

import cluster_schemas
from manifests import BASE, GPU, KUBECTL, PROJECT, REASON, named, rendered
from ray_job import FLAGS, QUEUE, JobError, check, made

pytestmark = pytest.mark.skipif(KUBECTL is None, reason=REASON)
ARGUMENTS = ["/data/movies/my movie.mrc", "--out", "/data/results/a.ome.zarr"]


def _template(name="graticule-track", folder=BASE):
    return deepcopy(named(rendered(folder), "RayJob", name))


def test_it_runs_what_is_asked_for_under_its_own_name():
    job = made(_template(), name="sintering-800c", arguments=ARGUMENTS)

    assert job["metadata"]["name"] == "sintering-800c"
    assert job["spec"]["suspend"] is False
    assert shlex.split(job["spec"]["entrypoint"]) == [
        "python",
        "/opt/graticule/jobs/track_dataset.py",
        *ARGUMENTS,
    ]


def test_in_a_queue_it_waits():
    job = made(_template(), name="a", arguments=ARGUMENTS, queue="microscopy")

    assert job["spec"]["suspend"] is True
    assert job["metadata"]["labels"][QUEUE] == "microscopy"


def test_it_has_as_many_workers_as_are_asked_for():
    job = made(_template(folder=GPU), name="a", arguments=ARGUMENTS, nodes=7)
    (group,) = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]

    assert (group["minReplicas"], group["replicas"], group["maxReplicas"]) == (7, 7, 7)


@pytest.mark.skipif(cluster_schemas.skipped(), reason=cluster_schemas.REASON)
@pytest.mark.parametrize("queue", [None, "microscopy"])
def test_a_cluster_takes_it(queue):
    cluster_schemas.check(
        made(_template("graticule-train", GPU), name="a", arguments=["--x"], nodes=2, queue=queue)
    )


@pytest.mark.parametrize("name", ["", "800c", "Sintering", "a_b", "a-", "a" * 48])
def test_a_name_that_cannot_be_is_refused(name):
    with pytest.raises(JobError, match="can be no job's name"):
        made(_template(), name=name, arguments=ARGUMENTS)


def test_nothing_to_do_is_refused():
    with pytest.raises(JobError, match="after --"):
        made(_template(), name="a", arguments=[])


def test_no_worker_is_refused():
    with pytest.raises(JobError, match="1 worker at least"):
        made(_template(), name="a", arguments=ARGUMENTS, nodes=0)


def test_it_stands_between_kubectl_and_kubectl():
    objects = "\n---\n".join(json.dumps(one) for one in rendered(GPU))
    done = _run("track", "sintering", "--nodes", "2", "--", *ARGUMENTS, piped=objects)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metadata"]["name"] == "sintering"


def test_where_nothing_comes_in_it_says_what_should():
    done = _run("track", "sintering", "--", *ARGUMENTS, piped="")

    assert done.returncode == 1
    assert (
        done.stderr
        == "ray_job: no RayJob graticule-track comes in; pipe in: kubectl kustomize k8s/overlays/gpu\n"
    )


@pytest.mark.parametrize(
    ("piped", "said"),
    [
        ("a: [", "what comes in is no YAML (while parsing"),
        ("hello", "no RayJob graticule-track comes in"),
        ("kind: RayJob", "no RayJob graticule-track comes in"),
        ("kind: RayJob\nmetadata: a", "no RayJob graticule-track comes in"),
    ],
)
def test_what_is_no_manifest_is_said_in_one_line(piped, said):
    done = _run("track", "a", "--", *ARGUMENTS, piped=piped)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"ray_job: {said}")
    assert "pipe in: kubectl kustomize" in done.stderr


def test_without_pyyaml_it_says_which_python_has_it():
    done = _run("track", "a", "--", *ARGUMENTS, piped="a: 1", python=[sys.executable, "-S"])
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "PyYAML is not installed for this Python; run it by .venv/bin/python" in done.stderr


def test_arguments_without_the_two_dashes_are_refused():
    done = _run("track", "a", "/data/a.mrc", "--out", "/data/a", piped="")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "/data/a.mrc --out /data/a is no option of this; write -- before" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "track a.mrc --out /data/a",
            "a.mrc is relative; give the path as the pods see it, such as /data/a.mrc",
        ),
        ("track --overwrite a.mrc --out /data/a", "a.mrc is relative"),
        ("track /data/a.mrc --out a", "--out a is relative"),
        ("track /data/a.mrc --out=a", "--out a is relative"),
        ("track /data/a.mrc --out /data/a --weights w.safetensors", "--weights w.safetensors is relative"),
        ("track /data/a.mrc", "--out is missing"),
        ("track --out /data/a", "a movie is missing"),
        ("train --data labelled --out /data/t", "--data labelled is relative"),
        ("train --out /data/t", "--data is missing"),
    ],
)
def test_what_the_job_would_refuse_is_refused_here(words, said):
    kind, *arguments = words.split()
    with pytest.raises(JobError, match=said):
        check(kind, arguments)


@pytest.mark.parametrize(
    "words",
    [
        "track s3://bucket/a.mrc /data/b.mrc --frames 1:5 --overwrite --out s3://bucket/out",
        "track ~/a.mrc --out ~/a --weights models:/network@champion",
        "train --use-gpu --data synthetic:easy --data /data/l --no-register --out /data/t",
    ],
)
def test_places_that_all_nodes_see_are_let_through(words):
    kind, *arguments = words.split()
    check(kind, arguments)


def test_every_option_without_a_value_is_known_as_one():
    import typer

    from graticule.cli.commands import app

    commands = typer.main.get_command(app).commands
    options = [one for name in ("track", "train") for one in commands[name].params]
    flags = {
        text for one in options if getattr(one, "is_flag", False) for text in one.opts + one.secondary_opts
    }
    assert flags <= FLAGS


def _run(*arguments, piped, python=(sys.executable,)):
    command = [*python, str(PROJECT / "infra" / "ray_job.py"), *arguments]
    return subprocess.run(command, input=piped, capture_output=True, text=True, check=False)
