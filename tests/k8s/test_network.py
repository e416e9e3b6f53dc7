"""Who reaches whom: the policies, read as Kubernetes reads them."""

import pytest

from manifests import BASE, KUBECTL, REASON, RENDERED, pods, rendered

pytestmark = pytest.mark.skipif(KUBECTL is None, reason=REASON)

OPERATOR, MONITORING, INGRESS = (
    {"kubernetes.io/metadata.name": name} for name in ("kuberay", "monitoring", "ingress-nginx")
)
STRANGER = {"kubernetes.io/metadata.name": "default"}
OURS = {"kubernetes.io/metadata.name": "graticule"}
NODES = {
    "cluster": ("RayCluster", "graticule"),
    "track": ("RayJob", "graticule-track"),
    "train": ("RayJob", "graticule-train"),
    "endpoint": ("RayService", "graticule-endpoint"),
}


def test_nothing_is_reached_that_no_policy_opens():
    (deny,) = [policy for policy in _policies() if policy["metadata"]["name"] == "graticule-deny"]

    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}


@pytest.mark.parametrize("component", NODES)
def test_nodes_of_a_cluster_reach_each_other_at_any_port(component):
    head, worker = _node(component, "head"), _node(component, "worker")

    assert _reaches(head, worker, 34567)
    assert _reaches(worker, head, 6379)


def test_nodes_of_the_endpoint_and_of_the_cluster_are_apart():
    assert not _reaches(_node("endpoint", "worker"), _node("cluster", "head"), 6379)
    assert not _reaches(_node("cluster", "worker"), _node("endpoint", "head"), 8265)


@pytest.mark.parametrize("component", NODES)
def test_the_operator_reaches_the_dashboard_and_no_port_of_the_cluster_itself(component):
    head = _node(component, "head")

    assert _comes_in(OPERATOR, head, 8265)
    assert not _comes_in(OPERATOR, head, 6379)


@pytest.mark.parametrize("component", ["cluster", "track", "train"])
def test_a_submitter_reaches_the_dashboard_alone(component):
    submitter, head = _pod("RayJob", "graticule-track", "submitter"), _node(component, "head")

    assert _reaches(submitter, head, 8265)
    assert not _reaches(submitter, head, 6379)


@pytest.mark.parametrize("component", NODES)
@pytest.mark.parametrize(
    ("role", "port"), [("head", 8080), ("head", 44217), ("head", 44227), ("worker", 8080)]
)
def test_monitoring_reaches_the_metrics_of_every_node(component, role, port):
    assert _comes_in(MONITORING, _node(component, role), port)
    assert not _comes_in(STRANGER, _node(component, role), port)


def test_users_reach_the_endpoint_by_the_ingress_alone():
    worker = _node("endpoint", "worker")

    assert _comes_in(INGRESS, worker, 8000)
    assert _comes_in(OPERATOR, _node("endpoint", "head"), 8000)
    assert not _comes_in(INGRESS, worker, 8265)
    assert not _comes_in(STRANGER, worker, 8000)


@pytest.mark.parametrize("component", NODES)
def test_every_node_reaches_mlflow_and_none_its_database(component):
    for role in ("head", "worker"):
        assert _reaches(_node(component, role), _pod("Deployment", "graticule-mlflow"), 5000)
        assert not _reaches(_node(component, role), _pod("StatefulSet", "graticule-postgres"), 5432)


def test_people_reach_mlflow_by_an_ingress_alone():
    assert _comes_in(INGRESS, _pod("Deployment", "graticule-mlflow"), 5000)
    assert not _comes_in(STRANGER, _pod("Deployment", "graticule-mlflow"), 5000)


def test_mlflow_reaches_its_database_and_its_store():
    mlflow = _pod("Deployment", "graticule-mlflow")

    assert _reaches(mlflow, _pod("StatefulSet", "graticule-postgres"), 5432)
    assert _reaches(mlflow, _pod("StatefulSet", "graticule-store"), 8333)


@pytest.mark.parametrize(
    ("component", "may"), [("cluster", True), ("track", True), ("train", True), ("endpoint", False)]
)
def test_who_has_keys_of_the_store_reaches_it_and_nobody_else(component, may):
    for role in ("head", "worker"):
        node = _node(component, role)
        keys = {entry["name"] for entry in node.spec["containers"][0].get("env", [])}

        assert ("AWS_SECRET_ACCESS_KEY" in keys) is may
        assert _reaches(node, _pod("StatefulSet", "graticule-store"), 8333) is may


@pytest.mark.parametrize("which", RENDERED)
def test_every_policy_is_of_pods_that_there_are(which):
    there = pods(rendered(RENDERED[which]))
    for policy in (one for one in rendered(RENDERED[which]) if one["kind"] == "NetworkPolicy"):
        assert any(_selects(policy["spec"]["podSelector"], pod.labels) for pod in there), policy["metadata"][
            "name"
        ]
        for rule in policy["spec"].get("ingress", []):
            for source in (source for source in rule["from"] if "podSelector" in source):
                assert any(_selects(source["podSelector"], pod.labels) for pod in there), policy["metadata"][
                    "name"
                ]


def _policies():
    return [one for one in rendered(BASE) if one["kind"] == "NetworkPolicy"]


def _pod(kind, name, role="pod"):
    found = [
        pod
        for pod in pods(rendered(BASE))
        if (pod.owner["kind"], pod.owner["metadata"]["name"]) == (kind, name)
    ]
    return next(pod for pod in found if pod.role == role)


def _node(component, role):
    return _pod(*NODES[component], role)


def _reaches(source, target, port):
    return _allowed(OURS, source.labels, target, port)


def _comes_in(namespace, target, port):
    return _allowed(namespace, {}, target, port)


def _allowed(namespace, labels, target, port):
    """Tell whether any policy of the target lets a pod in at a port."""
    named = {entry["name"]: entry["containerPort"] for entry in target.spec["containers"][0]["ports"]}
    of_target = [
        policy["spec"] for policy in _policies() if _selects(policy["spec"]["podSelector"], target.labels)
    ]
    return any(
        _opens(rule.get("ports"), named, port)
        and any(_is_from(source, namespace, labels) for source in rule["from"])
        for policy in of_target
        for rule in policy.get("ingress", [])
    )


def _opens(ports, named, port):
    return ports is None or port in {named.get(entry["port"], entry["port"]) for entry in ports}


def _is_from(source, namespace, labels):
    if "namespaceSelector" in source:
        return _selects(source["namespaceSelector"], namespace) and _selects(
            source.get("podSelector", {}), labels
        )
    return namespace == OURS and _selects(source["podSelector"], labels)


def _selects(selector, labels):
    wanted = selector.get("matchLabels", {}).items() <= dict(labels).items()
    return wanted and all(
        {"In": labels.get(one["key"]) in one.get("values", ())}[one["operator"]]
        for one in selector.get("matchExpressions", [])
    )
