"""A comparison of trackers as files in a folder: page and tables."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from graticule.report.trackers.page import JSON, TABLE, page_html
from graticule.report.trackers.table import table_csv
from graticule.report.trackers.values import TrackerComparison

PAGE = "index.html"


def publish(comparison: TrackerComparison, folder: Path) -> None:
    """Write everything into a folder that exists, the page last."""
    (folder / TABLE).write_text(table_csv(comparison), "utf-8")
    (folder / JSON).write_text(json.dumps(as_json(comparison), indent=1, allow_nan=False), "utf-8")
    (folder / PAGE).write_text(page_html(comparison), "utf-8")


def as_json(comparison: TrackerComparison) -> Mapping[str, Any]:
    """Return all figures as plain values."""
    return {
        "baseline": comparison.baseline,
        "machine": comparison.machine,
        "settings": dict(comparison.settings),
        "notes": list(comparison.notes),
        "groups": [asdict(group) for group in comparison.groups],
    }
