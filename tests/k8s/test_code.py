"""Every path, image, port, import path, option and variable in the manifests exists in the code."""

import ast
import importlib.metadata
import os
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import typer
import yaml

from graticule.cli.commands import app
from graticule.pipeline.pool import CPUS_PER_WORKER
from graticule.training.distributed.team import shared_by
from graticule.training.recipes import recipe
from manifests import KUBECTL, PROJECT, REASON, RENDERED, named, pods, ray_clusters, rendered, walked
from ray_job import made as ray_job
from serve.front import MOST_VARIABLE, most_bytes
from serve.settings import TOKEN_FILE_VARIABLE, read_settings

pytestmark = pytest.mark.skipif(KUBECTL is None, reason=REASON)

IN_IMAGE = "/opt/graticule/"
TARGETS = {"graticule": "cpu", "graticule-cuda": "cuda", "graticule-mlflow": "mlflow"}
DOCKERFILE = (PROJECT / "infra" / "Dockerfile").read_text("utf-8")
COMPOSE = (PROJECT / "infra" / "compose.yaml").read_text("utf-8")
JOBS = ("graticule-track", "graticule-train")


@pytest.fixture(scope="module", params=RENDERED)
def objects(request):
    return rendered(RENDERED[request.param])


def test_an_image_of_ours_is_a_target_and_has_the_version_of_compose(objects):
    for image in _images(objects, ours=True):
        name, _, tag = image.rpartition("/")[2].partition(":")

        assert re.search(rf"^FROM \S+ AS {TARGETS[name]}$", DOCKERFILE, re.MULTILINE)
        assert f"image: {name}:${{GRATICULE_TAG:-{tag}}}" in COMPOSE


def test_an_image_of_others_is_that_of_compose(objects):
    assert len(_images(objects, ours=False)) == 2
    for image in _images(objects, ours=False):
        assert f"image: {image}\n" in COMPOSE


def test_the_version_of_ray_is_the_one_installed(objects):
    versions = {spec["rayVersion"] for one in objects for spec in ray_clusters(one)}

    assert versions == {importlib.metadata.version("ray")}


def test_every_file_of_ours_that_is_named_is_in_the_image(objects):
    texts = " ".join(value for _, value in walked(objects) if isinstance(value, str))
    paths = set(re.findall(rf"{IN_IMAGE}(\S+\.py)", texts))

    assert paths == {"jobs/track_dataset.py", "jobs/train_segmenter.py", "infra/make_bucket.py"}
    for path in paths:
        assert (PROJECT / path).is_file()
        assert re.search(
            rf"^COPY .*({path}|{path.partition('/')[0]} {path.partition('/')[0]}$)", DOCKERFILE, re.MULTILINE
        )


@pytest.mark.parametrize("name", JOBS)
def test_an_entrypoint_is_a_command_that_the_command_line_takes(objects, name):
    given = _parsed(named(objects, "RayJob", name)["spec"]["entrypoint"])

    assert given["out"].startswith("/data/")
    assert all(path.startswith("/data/") for path in given.get("inputs") or given["data"])


def test_a_misspelt_option_of_an_entrypoint_would_be_found(objects):
    entrypoint = named(objects, "RayJob", "graticule-track")["spec"]["entrypoint"]

    with pytest.raises(Exception, match="No such option"):
        _parsed(entrypoint.replace("--out", "--outt"))


def test_training_has_a_gpu_for_every_worker_and_a_batch_that_they_can_share(objects):
    job = named(objects, "RayJob", "graticule-train")
    given = _parsed(job["spec"]["entrypoint"])
    (spec,) = ray_clusters(job)
    gpus = sum(group["replicas"] * _amount(group, "nvidia.com/gpu") for group in spec["workerGroupSpecs"])

    assert gpus == (given["workers"] if given["use_gpu"] else 0)
    assert shared_by(recipe(None, given["model"]), given["workers"]).batch > 0


@pytest.mark.parametrize("name", JOBS)
def test_beside_driver_and_workers_there_is_room_for_the_tasks_of_ray_data(objects, name):
    job = named(objects, "RayJob", name)
    (spec,) = ray_clusters(job)
    cpus = sum(group["replicas"] * _amount(group, "cpu") for group in spec["workerGroupSpecs"])

    assert job["spec"]["entrypointNumCpus"] + CPUS_PER_WORKER * cpus < cpus


def test_what_jobs_read_and_write_is_on_the_volume_that_all_nodes_have(objects):
    for pod in (pod for pod in pods(objects) if pod.is_of_ray):
        mounts = {mount["name"]: mount["mountPath"] for mount in pod.spec["containers"][0]["volumeMounts"]}
        claims = {one["name"] for one in pod.spec["volumes"] if "persistentVolumeClaim" in one}

        assert {mounts[name] for name in claims} == {"/data"}
    assert _variables(objects)["GRATICULE_HOME"].startswith("/data/")
    assert _settings(objects).jobs_folder.startswith("/data/")


def test_the_endpoints_configuration_is_one_that_ray_serve_takes(objects):
    from ray.serve.schema import ServeDeploySchema

    schema = ServeDeploySchema.model_validate(_serve_config(objects))
    (application,) = schema.applications

    assert application.import_path in _defined()
    assert schema.http_options.host == "0.0.0.0"


def test_a_body_that_the_settings_allow_passes_the_proxy_and_the_ingress(objects):
    most = str(most_bytes(_settings(objects)))

    assert _variables(objects)[MOST_VARIABLE] == most
    for ingress in (one for one in objects if one["kind"] == "Ingress"):
        assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"] == most


def test_the_endpoint_has_room_for_its_least_replicas(objects):
    (spec,) = ray_clusters(named(objects, "RayService", "graticule-endpoint"))
    (group,) = spec["workerGroupSpecs"]
    settings = _settings(objects)
    with_network = settings.least_replicas + settings.prompt_replicas
    others = 0.1 * (settings.ingress_replicas + 1)

    assert with_network * settings.cpus_each + others < group["minReplicas"] * _amount(group, "cpu")
    assert with_network * settings.gpus_each <= group["minReplicas"] * _amount(group, "nvidia.com/gpu")
    assert (settings.gpus_each > 0) is (_amount(group, "nvidia.com/gpu") > 0)


def test_what_stands_before_the_proxy_can_be_imported(objects):
    assert _variables(objects)["RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"] in _defined()


def test_every_port_is_the_one_that_the_code_takes_by_default(objects):
    from ray._private import ray_constants
    from ray.autoscaler._private.constants import AUTOSCALER_METRIC_PORT
    from ray.dashboard.consts import DASHBOARD_METRIC_PORT
    from ray.serve._private.constants import DEFAULT_HTTP_PORT

    known = {
        "gcs-server": ray_constants.DEFAULT_PORT,
        "dashboard": ray_constants.DEFAULT_DASHBOARD_PORT,
        "agent": ray_constants.DEFAULT_DASHBOARD_AGENT_LISTEN_PORT,
        "as-metrics": AUTOSCALER_METRIC_PORT,
        "dash-metrics": DASHBOARD_METRIC_PORT,
        "serve": DEFAULT_HTTP_PORT,
    }
    for pod in (pod for pod in pods(objects) if pod.is_of_ray):
        ports = {port["name"]: port["containerPort"] for port in pod.spec["containers"][0]["ports"]}

        assert ports.pop("metrics") == 8080  # as rayStartParams say, below
        assert ports.items() <= known.items()
    assert _serve_config(objects)["http_options"]["port"] == known["serve"]


def test_servers_listen_where_their_ports_say(objects):
    for kind, name, option in (
        ("Deployment", "graticule-mlflow", "--port"),
        ("StatefulSet", "graticule-store", "--port"),
    ):
        (container,) = named(objects, kind, name)["spec"]["template"]["spec"]["containers"]
        said = container["args"][container["args"].index(option) + 1]

        assert int(said.lstrip(":")) == container["ports"][0]["containerPort"]


def test_ray_is_started_with_options_that_it_has(objects):
    from ray.scripts.scripts import start

    options = {option for parameter in start.params for option in parameter.opts}
    for one in objects:
        for spec in ray_clusters(one):
            for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
                assert {f"--{name}" for name in group["rayStartParams"]} <= options
                assert group["rayStartParams"]["metrics-export-port"] == "8080"


def test_health_is_asked_for_where_it_is_told_without_a_token(objects):
    from ray.dashboard.http_server_agent import PUBLIC_EXACT_PATHS

    for pod in (pod for pod in pods(objects) if pod.is_of_ray):
        probes = {key: probe for key, probe in pod.spec["containers"][0].items() if key.endswith("Probe")}
        asked = {probe["httpGet"]["path"] for probe in probes.values() if "httpGet" in probe}
        commands = " ".join(probe["exec"]["command"][-1] for probe in probes.values() if "exec" in probe)
        asked |= {f"/{path}" for path in re.findall(r"localhost:52365/(\S+)", commands)}

        assert asked <= set(PUBLIC_EXACT_PATHS)
        assert ("localhost:8000/-/healthz" in commands) is (
            pod.owner["kind"] == "RayService" and pod.role == "worker"
        )


CODE = {
    "AWS_": ("botocore", "*.py"),
    "MLFLOW_": ("mlflow", "environment_variables.py"),
    "RAY_": ("ray", "_private/**/*_constants.py"),
    "RAY_SERVE_": ("ray", "serve/_private/constants.py"),
}
"""Whose variables begin so, and where they stand."""
OF_IMAGES = {"PGDATA", "PYTHONUNBUFFERED"}
"""Those that compose leaves to the image."""


def test_every_variable_is_one_that_the_code_reads(objects):
    for name in _variables(objects):
        if name.startswith("GRATICULE_"):
            assert f'"{name}"' in _ours(), name
        elif name.startswith(tuple(CODE)):
            prefix = max((prefix for prefix in CODE if name.startswith(prefix)), key=len)
            assert name in _theirs(*CODE[prefix]) or f"{name}:" in COMPOSE, name
        else:
            assert name in OF_IMAGES or f"{name}:" in COMPOSE, name


def test_no_node_is_told_to_leave_its_metrics_off(objects):
    assert not {"RAY_enable_open_telemetry", "RAY_enable_metrics_collection"} & _variables(objects).keys()


def test_the_secret_is_given_as_a_file_and_never_as_a_variable(objects):
    assert TOKEN_FILE_VARIABLE in _variables(objects)
    assert "GRATICULE_SERVE_TOKEN" not in _variables(objects)


def test_a_job_of_ones_own_is_parsed_as_the_template_is(objects):
    job = ray_job(
        yaml.safe_load(yaml.safe_dump(named(objects, "RayJob", "graticule-train"))),
        name="a",
        arguments=["--data", "/data/my images", "--out", "/data/trained", "--epochs", "3"],
    )

    assert _parsed(job["spec"]["entrypoint"])["epochs"] == 3


def _images(objects, *, ours):
    images = {container["image"] for pod in pods(objects) for container in pod.containers}
    return {image for image in images if (image.rpartition("/")[2].partition(":")[0] in TARGETS) is ours}


def _parsed(entrypoint):
    """Return the options of an entrypoint as the command line parses them; nothing is run."""
    _, script, *arguments = shlex.split(entrypoint)
    command, *before = _given_by(PROJECT / script.removeprefix(IN_IMAGE))
    found = typer.main.get_command(app).commands[command]
    return found.make_context(command, [*before, *arguments]).params


def _given_by(script: Path) -> list[str]:
    """Return the words that a job puts before those of its own command line."""
    calls = [node for node in ast.walk(ast.parse(script.read_text("utf-8"))) if isinstance(node, ast.Call)]
    (call,) = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "main"]
    return [word.value for word in call.args[0].elts if isinstance(word, ast.Constant)]


def _serve_config(objects):
    return yaml.safe_load(named(objects, "RayService", "graticule-endpoint")["spec"]["serveConfigV2"])


def _settings(objects):
    (application,) = _serve_config(objects)["applications"]
    return read_settings(application["args"])


def _variables(objects):
    """Return all variables of all containers; of those from secrets the name alone."""
    found = {}
    for one in objects:
        if one["kind"] == "ConfigMap":
            found |= one["data"]
    for pod in pods(objects):
        for container in pod.containers:
            found |= {entry["name"]: entry.get("value") for entry in container.get("env", [])}
    return found


def _amount(group, resource):
    return int(group["template"]["spec"]["containers"][0]["resources"]["limits"].get(resource, 0))


@cache
def _defined() -> set[str]:
    """Return the import paths of all functions of ``serve``; importing them would take ten seconds."""
    return {
        f"serve.{path.stem}:{node.name}"
        for path in (PROJECT / "serve").glob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }


@cache
def _ours() -> str:
    sources = [*(PROJECT / "platform").rglob("*.py"), *(PROJECT / "serve").glob("*.py")]
    return "\n".join(path.read_text("utf-8") for path in sources)


@cache
def _theirs(package: str, pattern: str) -> str:
    folder = Path(os.fspath(importlib.metadata.distribution(package).locate_file(package)))
    return "\n".join(path.read_text("utf-8") for path in folder.glob(pattern))
