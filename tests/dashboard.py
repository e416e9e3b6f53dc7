"""What the dashboard and the alerts of ``infra/`` ask Prometheus for."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

INFRA = Path(__file__).parents[1] / "infra"
DASHBOARD = INFRA / "grafana" / "dashboards" / "graticule.json"
ALERTS = INFRA / "prometheus" / "alerts.yml"

GPU_METRICS = frozenset({"ray_node_gpus_utilization", "ray_node_gram_used", "ray_node_gram_available"})
"""What Ray exports only where there is a GPU."""
VARIABLES = {"$cluster": ".*", "$node": ".*", "$__rate_interval": "15s"}
"""What Grafana puts in their place."""
_METRIC = re.compile(r"\b(?:ray_\w+|graticule_\w+|up|ALERTS)\b")


@dataclass(frozen=True)
class Panel:
    """A panel that is no row; its expressions without Grafana's variables."""

    title: str
    written: dict[str, Any]
    expressions: tuple[str, ...]


@dataclass(frozen=True)
class Alert:
    """An alerting rule."""

    name: str
    written: dict[str, Any]
    expression: str


def board() -> dict[str, Any]:
    """Return the dashboard."""
    return json.loads(DASHBOARD.read_text("utf-8"))


def panels() -> list[Panel]:
    """Return its panels, rows left out."""
    shown = [panel for panel in board()["panels"] if panel["type"] != "row"]
    return [
        Panel(panel["title"], panel, tuple(filled(target["expr"]) for target in panel["targets"]))
        for panel in shown
    ]


def alerts() -> list[Alert]:
    """Return all alerts."""
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    return [Alert(rule["alert"], rule, rule["expr"]) for group in groups for rule in group["rules"]]


def filled(expression: str) -> str:
    """Return an expression as Prometheus gets it."""
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression


def metric_names(expression: str) -> frozenset[str]:
    """Return the metrics that an expression asks for; what stands in quotes is none."""
    return frozenset(_METRIC.findall(re.sub(r'"[^"]*"', '""', expression)))
