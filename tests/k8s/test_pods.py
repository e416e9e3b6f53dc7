"""How every pod runs: with little might, bounded, watched, and ended in time."""

import re

import pytest
from ray._private.ray_constants import RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S

from manifests import BASE, GPU, KUBECTL, REASON, RENDERED, named, pods, ray_clusters, rendered
from serve.settings import ServeSettings

pytestmark = pytest.mark.skipif(KUBECTL is None, reason=REASON)

PODS = (
    []
    if KUBECTL is None
    else [
        pytest.param(pod, id=f"{which}: {pod.where}")
        for which, folder in RENDERED.items()
        for pod in pods(rendered(folder))
    ]
)
STANDING = [param for param in PODS if param.values[0].role != "submitter"]
NODES = [param for param in PODS if param.values[0].is_of_ray]
CLUSTERS = (
    []
    if KUBECTL is None
    else [
        pytest.param(spec, id=f"{which}: {one['metadata']['name']}")
        for which, folder in RENDERED.items()
        for one in rendered(folder)
        for spec in ray_clusters(one)
    ]
)
DRAINING = "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
"""Those that the Pod Security Standard "restricted" allows."""


@pytest.mark.parametrize("pod", PODS)
def test_a_pod_is_within_the_restricted_standard(pod):
    security = pod.spec["securityContext"]

    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] != 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.spec.keys()
    for volume in pod.spec.get("volumes", []):
        assert volume.keys() - {"name"} <= VOLUMES
    for container in pod.containers:
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert not {"privileged", "runAsUser", "runAsNonRoot", "seccompProfile"} & own.keys()
        assert not any("hostPort" in port for port in container.get("ports", []))


@pytest.mark.parametrize("pod", PODS)
def test_a_container_asks_for_what_it_needs_and_has_a_bound(pod):
    for container in pod.containers:
        for kind in ("requests", "limits"):
            assert container["resources"][kind].keys() >= {"cpu", "memory"}


@pytest.mark.parametrize("pod", PODS)
def test_an_image_has_a_version(pod):
    for container in pod.containers:
        assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+[\w.-]*", container["image"])


@pytest.mark.parametrize("pod", STANDING)
def test_a_container_that_stays_is_watched(pod):
    for container in pod.spec["containers"]:
        assert {"livenessProbe", "readinessProbe"} <= container.keys()


@pytest.mark.parametrize("pod", PODS)
def test_only_the_head_of_an_autoscaler_bears_a_token_of_kubernetes(pod):
    autoscaled = any("enableInTreeAutoscaling" in spec for spec in ray_clusters(pod.owner))

    assert pod.spec["automountServiceAccountToken"] is (autoscaled and pod.role == "head")
    assert (pod.spec["serviceAccountName"] == "graticule-head") is (autoscaled and pod.role == "head")


@pytest.mark.parametrize("pod", PODS)
def test_no_variable_comes_from_the_names_of_services(pod):
    assert pod.spec["enableServiceLinks"] is False


@pytest.mark.parametrize("pod", NODES)
def test_a_node_has_moved_its_work_elsewhere_before_it_is_killed(pod):
    (container,) = pod.spec["containers"]
    waits = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
    maps = [named(rendered(BASE), "ConfigMap", ref["configMapRef"]["name"]) for ref in container["envFrom"]]
    variables = {name: value for one in maps for name, value in one["data"].items()}
    drains = float(variables.get(DRAINING, RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S))

    assert waits[0] == "sleep"
    assert int(waits[1]) + drains + 15 < pod.spec["terminationGracePeriodSeconds"]


def test_a_worker_of_the_endpoint_drains_for_as_long_as_a_request_may_take():
    variables = named(rendered(BASE), "ConfigMap", "graticule-endpoint")["data"]

    assert float(variables[DRAINING]) >= ServeSettings().request_seconds


@pytest.mark.parametrize("pod", NODES)
def test_a_node_is_never_started_again_in_the_same_pod(pod):
    assert pod.spec["restartPolicy"] == "Never"  # as the autoscaler of version 2 wants it


@pytest.mark.parametrize("pod", NODES)
def test_a_node_with_a_gpu_and_no_other_runs_the_cuda_image_where_gpus_are(pod):
    (container,) = pod.spec["containers"]
    has_gpu = "nvidia.com/gpu" in container["resources"]["limits"]

    assert ("graticule-cuda:" in container["image"]) is has_gpu
    assert any(one["key"] == "nvidia.com/gpu" for one in pod.spec.get("tolerations", [])) is has_gpu


@pytest.mark.parametrize("spec", CLUSTERS)
def test_the_head_has_no_work_and_asks_for_the_token(spec):
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert spec["authOptions"] == {"mode": "token", "secretName": "graticule-ray-auth"}


@pytest.mark.parametrize("spec", CLUSTERS)
def test_the_object_store_fits_into_shared_memory_and_that_into_memory(spec):
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        mounts = {mount["mountPath"]: mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
        shared = next(volume["emptyDir"] for volume in pod["volumes"] if volume["name"] == mounts["/dev/shm"])
        memory = _bytes(pod["containers"][0]["resources"]["limits"]["memory"])

        assert shared["medium"] == "Memory"
        assert int(group["rayStartParams"]["object-store-memory"]) < _bytes(shared["sizeLimit"]) <= memory / 2


@pytest.mark.parametrize("spec", CLUSTERS)
def test_the_autoscaler_alone_says_how_many_workers_there_are(spec):
    for group in spec["workerGroupSpecs"]:
        if spec.get("enableInTreeAutoscaling"):
            assert "replicas" not in group  # applied again, it would end workers
            assert group["minReplicas"] <= group["maxReplicas"]
        else:
            assert group["minReplicas"] == group["replicas"] == group["maxReplicas"]


def test_workers_of_the_endpoint_are_kept_apart():
    (worker,) = [
        pod for pod in pods(rendered(GPU)) if pod.owner["kind"] == "RayService" and pod.role == "worker"
    ]
    (constraint,) = worker.spec["topologySpreadConstraints"]

    assert constraint["topologyKey"] == "kubernetes.io/hostname"
    assert constraint["labelSelector"]["matchLabels"].items() <= worker.labels.items()


def _bytes(quantity: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(Ki|Mi|Gi|Ti)", quantity).groups()
    return int(number) * 1024 ** ("Ki", "Mi", "Gi", "Ti").index(unit) * 1024
