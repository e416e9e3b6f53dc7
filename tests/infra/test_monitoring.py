"""Prometheus' and Grafana's configuration loads and agrees with itself; alerts fire when they should."""

import json
import re
import shutil
import subprocess
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from dashboard import ALERTS, DASHBOARD, GPU_METRICS, INFRA, alerts, board, metric_names, panels

PROMETHEUS, GRAFANA = INFRA / "prometheus", INFRA / "grafana"
DRAWN = Path(__file__).with_name("alerts_of_drawn_series.yml")
DOCS = INFRA.parent / "docs" / "deploy" / "monitoring.md"
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool: Debian's package prometheus"
)


def promtool(*arguments: str | Path, folder: Path) -> str:
    done = subprocess.run(
        ["promtool", *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def loaded(file: Path) -> dict:
    return yaml.safe_load(file.read_text("utf-8"))


def checked_config(folder: Path, text: str) -> str:
    (folder / "token").write_text("s3cret")
    text = text.replace("/etc/prometheus/alerts.yml", str(ALERTS))
    (folder / "config.yml").write_text(text.replace("/run/secrets/graticule_serve_token", "token"))
    return promtool("check", "config", "config.yml", folder=folder)


@needs_promtool
def test_prometheus_takes_the_configuration(tmp_path):
    said = checked_config(tmp_path, (PROMETHEUS / "prometheus.yml").read_text())
    assert "valid prometheus config" in said
    assert f"{len(alerts())} rules found" in said


@needs_promtool
def test_prometheus_takes_the_jobs_for_kubernetes(tmp_path):
    jobs = loaded(PROMETHEUS / "kubernetes.yml")
    jobs[1]["authorization"]["credentials_file"] = "/run/secrets/graticule_serve_token"
    for job in jobs:  # Debian builds Prometheus without the discovery of Kubernetes
        assert {one["role"] for one in job.pop("kubernetes_sd_configs")} == {"pod"}
    assert "valid prometheus config" in checked_config(tmp_path, yaml.safe_dump({"scrape_configs": jobs}))


@needs_promtool
def test_alerts_fire_when_they_should_and_only_then(tmp_path):
    shutil.copy(ALERTS, tmp_path)
    shutil.copy(DRAWN, tmp_path)
    assert "SUCCESS" in promtool("test", "rules", DRAWN.name, folder=tmp_path)


def test_every_alert_is_drawn():
    cases = [case for test in loaded(DRAWN)["tests"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == {alert.name for alert in alerts()}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_an_alert_says_how_bad_it_is_and_what_happened(alert):
    assert alert.written["labels"]["severity"] in ("warning", "critical")
    assert alert.written["annotations"]["summary"].rstrip().endswith(".")


def test_kubernetes_is_asked_for_the_same_jobs_as_compose():
    jobs = {job["job_name"]: job for job in loaded(PROMETHEUS / "prometheus.yml")["scrape_configs"]}
    for job in loaded(PROMETHEUS / "kubernetes.yml"):
        for key in ("metrics_path", "metric_relabel_configs"):
            assert job.get(key) == jobs[job["job_name"]].get(key)


def test_what_prometheus_drops_is_asked_for_by_nobody():
    config = loaded(PROMETHEUS / "prometheus.yml")
    [dropped] = [
        rule["regex"]
        for job in config["scrape_configs"]
        for rule in job.get("metric_relabel_configs", ())
        if rule["action"] == "drop"
    ]
    asked = {name for one in (*panels(), *alerts()) for name in _names(one)}
    assert not [name for name in asked if re.fullmatch(dropped, name)]


def _names(one) -> set[str]:
    expressions = getattr(one, "expressions", None) or (one.expression,)
    return {name for expression in expressions for name in metric_names(expression)}


def test_ray_exports_the_metrics_of_gpus_by_these_names():
    source = Path(find_spec("ray").origin).parent / "dashboard" / "modules" / "reporter" / "reporter_agent.py"
    text = source.read_text("utf-8")
    for name in GPU_METRICS:
        assert f'"{name.removeprefix("ray_")}": Gauge(' in text
    assert {name for panel in panels() for name in _names(panel)} >= GPU_METRICS


def test_panels_have_numbers_of_their_own_and_lie_apart():
    everything = board()["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    for one, other in combinations([panel["gridPos"] for panel in everything], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
    assert all(pos["x"] >= 0 and pos["x"] + pos["w"] <= 24 for pos in (p["gridPos"] for p in everything))


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel.title)
def test_a_panel_says_what_it_shows_in_what_unit(panel):
    written = panel.written
    assert written["title"]
    assert written["description"].endswith(".")
    assert written["fieldConfig"]["defaults"]["unit"]
    targets = written["targets"]
    assert all(target["legendFormat"] for target in targets)
    assert len({target["refId"] for target in targets}) == len(targets)


def test_everything_asks_the_data_source_that_is_provisioned():
    [source] = loaded(GRAFANA / "provisioning" / "datasources" / "prometheus.yaml")["datasources"]
    wanted = {"type": source["type"], "uid": source["uid"]}
    asking = [panel.written for panel in panels()]
    asking += [target for panel in asking for target in panel["targets"]]
    asking += board()["templating"]["list"]
    assert [one["datasource"] for one in asking] == [wanted] * len(asking)


def test_grafana_knows_how_often_prometheus_asks():
    [source] = loaded(GRAFANA / "provisioning" / "datasources" / "prometheus.yaml")["datasources"]
    asked = loaded(PROMETHEUS / "prometheus.yml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == asked


def test_the_dashboard_uses_the_variables_that_it_has():
    given = {variable["name"] for variable in board()["templating"]["list"]}
    text = json.dumps([panel.written["targets"] for panel in panels()])
    assert given == {"cluster", "node"}
    assert all(f"${name}" in text for name in given)


def test_compose_mounts_everything_where_it_is_looked_for():
    services = loaded(INFRA / "compose.yaml")["services"]
    [provider] = loaded(GRAFANA / "provisioning" / "dashboards" / "graticule.yaml")["providers"]
    grafana, prometheus = (set(services[name]["volumes"]) for name in ("grafana", "prometheus"))
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in grafana
    assert "./grafana/provisioning:/etc/grafana/provisioning:ro" in grafana
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/{DASHBOARD.name}"
    config = loaded(PROMETHEUS / "prometheus.yml")
    assert [f"./prometheus/{Path(file).name}:{file}:ro" for file in config["rule_files"]] == [
        volume for volume in sorted(prometheus) if "alerts" in volume
    ]
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    [found] = jobs["ray"]["file_sd_configs"][0]["files"]
    assert f"ray-session:{Path(found).parent}:ro" in prometheus
    assert f"ray-session:{Path(found).parent}" in services["ray-head"]["volumes"]
    [[host, port]] = [t.split(":") for t in jobs["endpoint"]["static_configs"][0]["targets"]]
    assert host in services
    secret = Path(jobs["endpoint"]["authorization"]["credentials_file"])
    assert secret.name in {one["source"] for one in services["prometheus"]["secrets"]}
    assert port == "8000"


def test_the_page_tells_of_every_alert_and_every_panel():
    page = DOCS.read_text("utf-8")
    lines = page.splitlines()
    assert [alert.name for alert in alerts() if f"### {alert.name}" not in lines] == []
    assert [panel.title for panel in panels() if f"**{panel.title}**" not in page] == []


def test_pods_name_the_ports_that_are_asked_in_kubernetes():
    text = "\n".join(
        file.read_text("utf-8") for file in (INFRA.parent / "k8s" / "base" / "ray").glob("*.yaml")
    )
    named = set(re.findall(r"- name: (\S+)\n\s+containerPort", text))
    for job in loaded(PROMETHEUS / "kubernetes.yml"):
        [ports] = [
            rule["regex"]
            for rule in job["relabel_configs"]
            if "__meta_kubernetes_pod_container_port_name" in rule["source_labels"]
        ]
        assert set(ports.split("|")) <= named
