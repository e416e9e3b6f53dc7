"""Every object is one that a cluster takes, whole and without an unknown key; and what is wrong is found."""

from copy import deepcopy

import pytest

import cluster_schemas
from cluster_schemas import Refused, check
from manifests import BASE, FOLDER, KUBECTL, REASON, RENDERED, named, rendered, whole_objects

pytestmark = [
    pytest.mark.skipif(KUBECTL is None, reason=REASON),
    pytest.mark.skipif(cluster_schemas.skipped(), reason=cluster_schemas.REASON),
]


@pytest.mark.parametrize("which", RENDERED)
def test_what_is_rendered_is_taken_by_a_cluster(which):
    for one in rendered(RENDERED[which]):
        check(one)


@pytest.mark.parametrize("path", whole_objects(), ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_file_is_taken_by_a_cluster(path):
    check(whole_objects()[path])


CLUSTER, SERVICE, JOB = (
    ("RayCluster", "graticule"),
    ("RayService", "graticule-endpoint"),
    ("RayJob", "graticule-track"),
)
HEAD = ("headGroupSpec", "template", "spec")
MISSPELT = [
    (CLUSTER, (), "specs"),
    (CLUSTER, ("metadata",), "lables"),
    (CLUSTER, ("spec",), "rayVersoin"),
    (CLUSTER, ("spec", "authOptions"), "secretname"),
    (CLUSTER, ("spec", "autoscalerOptions"), "idleTimeoutSecond"),
    (CLUSTER, ("spec", "autoscalerOptions", "securityContext"), "runAsNonroot"),
    (CLUSTER, ("spec", "headGroupSpec"), "rayStartParam"),
    (CLUSTER, ("spec", *HEAD), "serviceAccountname"),
    (CLUSTER, ("spec", *HEAD, "containers", 0), "volumeMount"),
    (CLUSTER, ("spec", *HEAD, "containers", 0, "livenessProbe"), "failureTreshold"),
    (CLUSTER, ("spec", *HEAD, "containers", 0, "livenessProbe", "httpGet"), "paht"),
    (CLUSTER, ("spec", *HEAD, "containers", 0, "env", 0, "valueFrom", "secretKeyRef"), "keys"),
    (CLUSTER, ("spec", "workerGroupSpecs", 1), "maxReplica"),
    (CLUSTER, ("spec", "workerGroupSpecs", 1, "template", "metadata"), "label"),
    (CLUSTER, ("spec", "workerGroupSpecs", 1, "template", "spec", "tolerations", 0), "effects"),
    (CLUSTER, ("spec", "workerGroupSpecs", 1, "template", "spec", "volumes", 1, "emptyDir"), "sizelimit"),
    (SERVICE, ("spec",), "serveConfigV3"),
    (SERVICE, ("spec", "upgradeStrategy"), "kind"),
    (SERVICE, ("spec", "rayClusterConfig", *HEAD, "containers", 0, "readinessProbe"), "httpget"),
    (JOB, ("spec",), "activeDeadlineSecond"),
    (JOB, ("spec", "submitterConfig"), "backofLimit"),
    (JOB, ("spec", "submitterPodTemplate", "spec", "containers", 0), "image_"),
    (
        ("Deployment", "graticule-mlflow"),
        ("spec", "template", "spec", "containers", 0, "ports", 0),
        "containerport",
    ),
    (("NetworkPolicy", "graticule-store"), ("spec", "ingress", 0), "form"),
    (("PodDisruptionBudget", "graticule-endpoint-head"), ("spec",), "minAvailables"),
    (("PersistentVolumeClaim", "graticule-data"), ("spec", "resources"), "request"),
]


@pytest.mark.parametrize(
    ("whose", "at", "key"), MISSPELT, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_misspelt_key_is_refused_at_any_depth(whose, at, key):
    one = deepcopy(named(rendered(BASE), *whose))
    _within(one, at)[key] = "x"

    with pytest.raises(Refused, match=f"'{key}' was unexpected"):
        check(one)


WRONG = [
    (CLUSTER, ("spec", "workerGroupSpecs", 0, "maxReplicas"), "8"),
    (CLUSTER, ("spec", "autoscalerOptions", "upscalingMode"), "Fast"),
    (CLUSTER, ("spec", "authOptions", "mode"), "password"),
    (CLUSTER, ("spec", "headGroupSpec", "rayStartParams", "num-cpus"), 0),
    (CLUSTER, ("spec", *HEAD, "containers", 0, "resources", "limits", "memory"), "8 GiB"),
    (CLUSTER, ("spec", *HEAD, "containers", 0, "ports", 0, "containerPort"), "6379"),
    (SERVICE, ("spec", "serveConfigV2"), {"applications": []}),
    (JOB, ("spec", "entrypoint"), ["python", "x.py"]),
]


@pytest.mark.parametrize(("whose", "at", "value"), WRONG, ids=lambda value: str(value)[-24:])
def test_a_wrong_value_is_refused(whose, at, value):
    one = deepcopy(named(rendered(BASE), *whose))
    _within(one, at[:-1])[at[-1]] = value

    with pytest.raises(Refused):
        check(one)


def test_two_entries_of_one_name_are_refused():
    one = deepcopy(named(rendered(BASE), *CLUSTER))
    ports = _within(one, ("spec", *HEAD, "containers", 0, "ports"))
    ports.append({**ports[0], "name": "again"})

    with pytest.raises(Refused, match="two entries are"):
        check(one)


def test_a_missing_value_is_refused():
    one = deepcopy(named(rendered(BASE), *CLUSTER))
    del one["spec"]["headGroupSpec"]["template"]

    with pytest.raises(Refused, match="'template' is a required property"):
        check(one)


def test_a_kind_that_kuberay_does_not_know_is_refused():
    with pytest.raises(Refused, match="knows no such kind"):
        check({"apiVersion": "ray.io/v1", "kind": "RayFleet", "metadata": {"name": "x"}, "spec": {}})


def _within(value, at):
    for key in at:
        value = value[key]
    return value
