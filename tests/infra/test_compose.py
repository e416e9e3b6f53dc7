"""The stack of infra/compose.yaml: every name in it exists, and nothing of it is open to others."""

import json
import re

import pytest
import yaml
from compose_spec import PyCompose

from composed import FILE, ROOT, SECRETS, VARIABLE, Unset, composed, filled_in, service
from dockerfiles import stages
from make_secrets import VARIABLES

SERVICES = tuple(yaml.safe_load(filled_in(FILE.read_text(), SECRETS))["services"])
OURS = {"graticule": "cpu", "graticule-cuda": "cuda", "graticule-mlflow": "mlflow"}
PAGE = ROOT / "docs" / "deploy" / "images-and-compose.md"
NO_READ_ONLY = {"ray-head", "worker", "worker-gpu", "endpoint", "prometheus"}
"""Compose copies secrets that come from variables into the container, which must be writable for it."""


def test_the_file_is_compose():
    parsed = PyCompose.from_json(json.dumps(composed()))
    parsed.validate()
    parsed.validate_secrets()
    assert len(parsed.services) == len(SERVICES)


def test_every_variable_is_a_secret_that_is_made_or_has_a_default():
    found = list(VARIABLE.finditer(FILE.read_text()))
    asked = {match["name"] for match in found if match["how"] == ":?"}
    assert (
        asked | {secret["environment"] for secret in composed()["secrets"].values()}
        == set(VARIABLES)
        == set(SECRETS)
    )
    assert not {match["name"] for match in found if match["how"] == ":-"} & set(VARIABLES)
    assert "$" not in re.sub(VARIABLE, "", FILE.read_text()).replace("$$", "")


@pytest.mark.parametrize("name", [name for name in VARIABLES if f"${{{name}:" in FILE.read_text()])
def test_a_secret_that_is_missing_is_asked_for_with_the_remedy(name):
    with pytest.raises(Unset, match=name):
        filled_in(FILE.read_text(), {other: value for other, value in SECRETS.items() if other != name})
    assert f"${{{name}:?run python infra/make_secrets.py}}" in FILE.read_text()


def test_the_number_of_workers_is_a_setting_and_no_other_service_is_more_than_one():
    text = filled_in(FILE.read_text(), {**SECRETS, "GRATICULE_WORKERS": "3"})
    replicas = {
        name: one["deploy"].get("replicas", 1) for name, one in yaml.safe_load(text)["services"].items()
    }
    assert replicas == dict.fromkeys(SERVICES, 1) | {"worker": 3}


def test_settings_that_the_page_names_are_those_of_the_file():
    page = PAGE.read_text()
    here = {match["name"] for match in VARIABLE.finditer(FILE.read_text())}
    named = {
        name for row in re.findall(r"^\| (`GRATICULE_.*?) \|", page, re.M) for name in re.findall(r"\w+", row)
    }
    build = {"GRATICULE_VERSION"}
    assert named - build == here - set(VARIABLES) - build


def test_profiles_that_the_page_names_are_those_of_the_file():
    [asked] = re.findall(r"^COMPOSE_PROFILES=(.+)$", PAGE.read_text(), re.M)
    assert set(asked.split(",")) == {name for one in SERVICES for name in service(one).get("profiles", ())}
    assert "--profile " not in "".join(re.findall(r"^docker compose .*$", PAGE.read_text(), re.M))


def test_memory_that_the_page_asks_for_is_enough_for_all_that_containers_may_take():
    page = " ".join(PAGE.read_text().split())
    ordinary = [name for name in SERVICES if name != "worker-gpu"]
    small = dict(re.findall(r"`(GRATICULE_(?:HEAD|WORKER)_MEMORY)=(\w+)`", page))
    asked, taken = map(int, re.search(r"- (\d+) GB of memory: .* may take (\d+) GB together", page).groups())
    little, taken_then = map(
        int, re.search(r"With (\d+) GB of memory, .*? may take (\d+) GB:", page).groups()
    )
    assert asked > taken >= sum(memory(SECRETS)[name] for name in ordinary) > taken - 1
    assert little > taken_then >= sum(memory(SECRETS | small)[name] for name in ordinary) > taken_then - 1
    assert f"Each further worker may take {memory(SECRETS)['worker']:.0f} GB" in page
    assert f"`worker-gpu` {memory(SECRETS)['worker-gpu']:.0f} GB" in page


def memory(values: dict[str, str]) -> dict[str, float]:
    """Return how many GB each service may take."""
    services = yaml.safe_load(filled_in(FILE.read_text(), values))["services"]
    texts = {name: one["deploy"]["resources"]["limits"]["memory"] for name, one in services.items()}
    return {name: int(text[:-1]) / {"g": 1, "m": 1024}[text[-1]] for name, text in texts.items()}


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name):
    image, _, tag = service(name)["image"].partition("@")[0].rpartition(":")
    assert re.search(r"\d+\.\d+", tag)
    assert image in OURS or "build" not in service(name)


@pytest.mark.parametrize("name", SERVICES)
def test_our_images_are_built_as_the_target_of_their_name(name):
    image = service(name)["image"].rpartition(":")[0]
    if image not in OURS:
        return
    build = service(name).get("build")
    if build is None:
        assert service(name)["pull_policy"] == "never"
        return
    assert build["target"] == OURS[image]
    assert (FILE.parent / build["context"] / build["dockerfile"]).resolve() == ROOT / "infra" / "Dockerfile"
    arguments = {key for stage in stages().values() for entry in stage.all("ARG") for key in entry.pairs}
    assert set(build["args"]) <= arguments


def test_the_tag_of_the_images_is_free_and_what_they_say_they_are_is_not_taken_from_it():
    services = yaml.safe_load(filled_in(FILE.read_text(), {**SECRETS, "GRATICULE_TAG": "facility-3"}))[
        "services"
    ]
    images = [one["image"] for one in services.values() if one["image"].partition(":")[0] in OURS]
    assert {image.partition(":")[2] for image in images} == {"facility-3"}
    said = {one["build"]["args"]["GRATICULE_VERSION"] for one in services.values() if "build" in one}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in said)


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_on_loopback(name):
    for port in service(name).get("ports", ()):
        address, outside, inside = port.split(":")
        assert address == "127.0.0.1"
        assert outside == inside


def test_no_port_is_published_twice_and_ray_is_open_only_where_it_asks_for_a_token():
    ports = [port.rpartition(":")[2] for name in SERVICES for port in service(name).get("ports", ())]
    assert sorted(ports) == ["3000", "5000", "8000", "8265", "9090"]


@pytest.mark.parametrize("name", SERVICES)
def test_services_have_no_rights_they_do_not_need(name):
    asked = service(name)
    assert asked["cap_drop"] == ["ALL"]
    assert asked["security_opt"] == ["no-new-privileges:true"]
    assert asked.get("read_only", False) == (name not in NO_READ_ONLY)
    assert not asked.get("privileged")
    assert "cap_add" not in asked or name == "postgres"


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_limited_watched_and_started_again(name):
    asked = service(name)
    assert set(asked["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert asked["restart"] in ("unless-stopped", "on-failure")
    assert asked["healthcheck"].get("test", [None])[0] == "CMD" or asked["restart"] == "on-failure"
    assert asked["logging"]["options"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_can_come_about(name):
    for other, how in service(name).get("depends_on", {}).items():
        waited = service(other)
        if how["condition"] == "service_healthy":
            assert waited["healthcheck"]["test"]
        else:
            assert how["condition"] == "service_completed_successfully"
            assert waited["restart"] == "on-failure"
        assert not waited.get("profiles")


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_exists(name):
    for mount in service(name).get("volumes", ()):
        source, target, *how = mount.split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert (FILE.parent / source).exists(), source
            assert how == ["ro"]
        else:
            assert source in composed()["volumes"]


def test_every_volume_is_used():
    used = {mount.partition(":")[0] for name in SERVICES for mount in service(name).get("volumes", ())}
    assert set(composed()["volumes"]) <= used


@pytest.mark.parametrize("name", SERVICES)
def test_hosts_and_ports_that_services_ask_are_those_of_others(name):
    texts = json.dumps([service(name).get(key) for key in ("command", "environment", "healthcheck")])
    asked = set(re.findall(r"(?:https?://|@|=)([a-z][a-z-]*):(\d{4,5})", texts))
    assert {host for host, _ in asked} <= {*SERVICES, "localhost"}
    known = {
        "ray-head": {"6379", "8000", "8265"},
        "mlflow": {"5000"},
        "store": {"8333"},
        "postgres": {"5432"},
    }
    assert all(port in known[host] for host, port in asked if host != "localhost")


def test_secrets_come_as_files_that_only_their_reader_can_read():
    for name in SERVICES:
        user = "65534" if name == "prometheus" else "1000"
        for secret in service(name).get("secrets", ()):
            assert (secret["uid"], secret["gid"], secret["mode"]) == (user, user, 0o400)
    paths = {
        value for key, value in service("worker")["environment"].items() if value.startswith("/run/secrets/")
    }
    assert paths == {f"/run/secrets/{secret['source']}" for secret in service("worker")["secrets"]}


def test_only_mlflow_and_what_makes_its_bucket_reach_the_database_and_the_store():
    networks = {name: set(service(name).get("networks", ["default"])) for name in SERVICES}
    behind = {name for name in SERVICES if "default" not in networks[name]}
    assert behind == {"postgres", "store", "bucket"}
    assert {name for name in SERVICES if networks[name] & networks["postgres"]} == {*behind, "mlflow"}
    assert composed()["networks"]["back"] == {"internal": True}
    assert not any(service(name).get("ports") for name in behind)


def test_files_on_their_way_through_mlflow_lie_on_a_disk_and_not_in_memory():
    assert "mlflow-scratch:/tmp" in service("mlflow")["volumes"]
    assert "/tmp" not in service("mlflow")["tmpfs"]
    [scratch] = [
        volume for volume in kubernetes("mlflow/server.yaml")["volumes"] if volume["name"] == "scratch"
    ]
    assert set(scratch["emptyDir"]) == {"sizeLimit"}


def test_nodes_hold_no_key_of_the_store_or_the_database():
    for name in ("ray-head", "worker", "worker-gpu", "endpoint"):
        text = json.dumps(service(name))
        assert not [value for key, value in SECRETS.items() if value in text]


def test_the_endpoints_page_is_served_where_the_stack_publishes_it():
    config = yaml.safe_load((ROOT / "infra" / "serve.yaml").read_text())
    assert config["http_options"] == {"host": "0.0.0.0", "port": 8000}
    assert "127.0.0.1:8000:8000" in service("ray-head")["ports"]
    assert config["applications"][0]["args"]["jobs_folder"].startswith("/data/")


def test_settings_of_the_endpoint_exist():
    from serve.settings import read_settings

    [application] = yaml.safe_load((ROOT / "infra" / "serve.yaml").read_text())["applications"]
    assert read_settings(application["args"]).jobs_folder == "/data/.graticule/movies"
    assert application["import_path"] == "serve.deployments:application"


def test_prometheus_reads_what_the_head_writes_and_has_the_endpoints_token():
    text = (ROOT / "infra" / "prometheus" / "prometheus.yml").read_text()
    [found] = re.findall(r'files: \["(.+)"\]', text)
    mounts = {name: set(service(name)["volumes"]) for name in ("ray-head", "prometheus")}
    folder = found.rpartition("/")[0]
    assert f"ray-session:{folder}" in mounts["ray-head"]
    assert f"ray-session:{folder}:ro" in mounts["prometheus"]
    tokens = set(re.findall(r"credentials_file: (\S+)", text))
    assert tokens == {f"/run/secrets/{secret['source']}" for secret in service("prometheus")["secrets"]}


def kubernetes(file: str) -> dict:
    manifest = yaml.safe_load((ROOT / "k8s" / "base" / file).read_text())
    found: dict = manifest["spec"]["template"]["spec"]
    return found


def test_kubernetes_starts_mlflow_and_the_store_by_the_same_words():
    [mlflow], [store] = (kubernetes(f"{name}/server.yaml")["containers"] for name in ("mlflow", "store"))
    words = [word.replace("graticule-mlflow:", "mlflow:") for word in mlflow["command"] + mlflow["args"]]
    assert words == service("mlflow")["command"]
    assert store["args"] == service("store")["command"]
    assert store["image"] == service("store")["image"]
    [bucket] = kubernetes("mlflow/server.yaml")["initContainers"]
    assert bucket["command"][1].endswith(f"/{service('bucket')['command'][1]}")
    assert bucket["command"][2:] == service("bucket")["command"][2:]
