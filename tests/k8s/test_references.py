"""Everything that a manifest names is there: keys of secrets, accounts, claims, services, ports, pods."""

import re
from itertools import chain

import pytest

from make_secrets import kubernetes
from manifests import KUBECTL, PROJECT, REASON, RENDERED, named, pods, read, rendered, walked

pytestmark = pytest.mark.skipif(KUBECTL is None, reason=REASON)

SECRETS = {one["metadata"]["name"]: set(one["stringData"]) for one in kubernetes()}
BY_KUBERAY = {("graticule-endpoint-serve-svc", 8000)}
"""Services that KubeRay makes of a RayService: of its name, with its own ending."""


@pytest.fixture(scope="module", params=RENDERED)
def objects(request):
    return rendered(RENDERED[request.param])


def test_every_key_of_a_secret_is_made_by_the_script(objects):
    asked = {(ref["name"], ref["key"]) for ref in _at(objects, "secretKeyRef")}
    asked |= {(options["secretName"], "auth_token") for options in _at(objects, "authOptions")}

    assert asked <= {(name, key) for name, keys in SECRETS.items() for key in keys}


def test_every_secret_that_is_mounted_is_made_by_the_script(objects):
    mounted = {volume["secretName"] for volume in _at(objects, "secret")}

    assert mounted == {"graticule-serve"}
    assert mounted <= SECRETS.keys()


def test_the_certificate_that_the_script_does_not_make_is_made_in_the_documentation(objects):
    page = (PROJECT / "docs" / "deploy" / "kubernetes.md").read_text("utf-8")

    for entry in chain.from_iterable(_at(objects, "tls")):
        assert f"create secret tls {entry['secretName']}" in page


def test_the_token_of_the_endpoint_is_where_its_file_is_looked_for(objects):
    variables = named(objects, "ConfigMap", "graticule-endpoint")["data"]
    for pod in _of(objects, "RayService"):
        mounts = {mount["name"]: mount["mountPath"] for mount in pod.spec["containers"][0]["volumeMounts"]}
        (volume,) = [volume for volume in pod.spec["volumes"] if "secret" in volume]
        files = {f"{mounts[volume['name']]}/{key}" for key in SECRETS[volume["secret"]["secretName"]]}

        assert variables["GRATICULE_SERVE_TOKEN_FILE"] in files


def test_every_configmap_account_and_claim_is_there(objects):
    there = {(one["kind"], one["metadata"]["name"]) for one in objects}
    asked = {("ConfigMap", ref["name"]) for ref in _at(objects, "configMapRef")}
    asked |= {("ServiceAccount", name) for name in _at(objects, "serviceAccountName")}
    asked |= {("PersistentVolumeClaim", ref["claimName"]) for ref in _at(objects, "persistentVolumeClaim")}

    assert len(asked) == 5
    assert asked <= there


def test_every_volume_is_mounted_and_every_mount_is_of_a_volume(objects):
    for pod in pods(objects):
        claims = pod.owner["spec"].get("volumeClaimTemplates", [])
        volumes = {one["name"] for one in pod.spec.get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in claims}
        mounts = {one["name"] for container in pod.containers for one in container.get("volumeMounts", [])}

        assert mounts == volumes, pod.where


def test_every_address_is_that_of_a_service_and_its_port(objects):
    texts = [value for _, value in walked(objects) if isinstance(value, str)]
    texts += [value for secret in kubernetes() for value in secret["stringData"].values()]
    asked = {
        (host, int(port))
        for text in texts
        for host, port in re.findall(r"(?:://|@)(?:[\w:]*@)?([a-z][a-z0-9-]*):(\d+)", text)
        if host not in ("localhost", "mlflow")
    }
    there = {
        (one["metadata"]["name"], port["port"])
        for one in objects
        if one["kind"] == "Service"
        for port in one["spec"]["ports"]
    }

    assert {host for host, _ in asked} == {"graticule-mlflow", "graticule-store", "graticule-postgres"}
    assert asked <= there


def test_mlflow_answers_to_the_name_that_the_nodes_know_it_by(objects):
    address = named(objects, "ConfigMap", "graticule-environment")["data"]["MLFLOW_TRACKING_URI"]
    words = named(objects, "Deployment", "graticule-mlflow")["spec"]["template"]["spec"]["containers"][0][
        "args"
    ]

    assert address.removeprefix("http://") in words[words.index("--allowed-hosts") + 1].split(",")


def test_an_ingress_leads_to_a_service(objects):
    backends = {(one["service"]["name"], one["service"]["port"]["number"]) for one in _at(objects, "backend")}
    services = {one["metadata"]["name"] for one in objects if one["kind"] == "RayService"}

    assert backends <= BY_KUBERAY
    assert {name for name, _ in backends} <= {f"{name}-serve-svc" for name in services}


def test_every_service_selects_pods_that_have_its_port(objects):
    for service in (one for one in objects if one["kind"] == "Service"):
        selected = [pod for pod in pods(objects) if service["spec"]["selector"].items() <= pod.labels.items()]
        numbers = {
            port["containerPort"]
            for pod in selected
            for port in pod.spec["containers"][0]["ports"]
            if port["name"] in {entry["targetPort"] for entry in service["spec"]["ports"]}
        }

        assert numbers == {entry["port"] for entry in service["spec"]["ports"]}, service["metadata"]["name"]


def test_a_controller_selects_the_pods_that_it_makes(objects):
    for pod in _of(objects, "Deployment", "StatefulSet"):
        assert pod.owner["spec"]["selector"]["matchLabels"].items() <= pod.labels.items()
        assert (
            pod.owner["spec"].get("serviceName", pod.owner["metadata"]["name"])
            == pod.owner["metadata"]["name"]
        )


def test_every_budget_is_of_pods_of_one_kind_and_says_what_an_operators_pods_allow(objects):
    for budget in (one for one in objects if one["kind"] == "PodDisruptionBudget"):
        labels = budget["spec"]["selector"]["matchLabels"]
        selected = {pod.where for pod in pods(objects) if labels.items() <= pod.labels.items()}

        assert len(selected) == 1, budget["metadata"]["name"]
        # Of pods of no Deployment and the like, Kubernetes takes minAvailable alone, as a number.
        assert isinstance(budget["spec"]["minAvailable"], int)
        assert "maxUnavailable" not in budget["spec"]


def test_prometheus_finds_the_ports_that_it_keeps(objects):
    kept = [
        rule["regex"].split("|")
        for job in read(PROJECT / "infra" / "prometheus" / "kubernetes.yml")
        for rule in job["relabel_configs"]
        if rule.get("source_labels") == ["__meta_kubernetes_pod_container_port_name"]
    ]
    heads = {pod.owner["kind"]: pod for pod in pods(objects) if pod.role == "head"}
    ports = {port["name"] for port in heads["RayService"].spec["containers"][0]["ports"]}

    assert kept
    assert set(chain.from_iterable(kept)) <= ports


def test_every_probe_asks_at_a_port_of_its_container(objects):
    for pod in pods(objects):
        for container in pod.spec["containers"]:
            ports = {port["name"] for port in container.get("ports", [])}
            asked = {
                probe["httpGet"]["port"]
                for key, probe in container.items()
                if "Probe" in key and "httpGet" in probe
            }

            assert asked <= ports, pod.where


def _of(objects, *kinds):
    return [pod for pod in pods(objects) if pod.owner["kind"] in kinds]


def _at(objects, key):
    """Return every value of a key, wherever it stands."""
    return [value for path, value in walked(objects) if path and path[-1] == key]
