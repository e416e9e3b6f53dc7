"""A comparison as files in a folder: page, tables, figures for screen and print."""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from graticule.report.comparison.curves import loss_figure, score_figure
from graticule.report.comparison.masks import masks_figure
from graticule.report.comparison.page import LOSS, MASKS, SCORES, page_html
from graticule.report.comparison.table import table_csv
from graticule.report.comparison.values import Comparison, Curve

PAGE, TABLE, JSON, FIGURES = "index.html", "table.csv", "comparison.json", "figures"


def publish(comparison: Comparison, folder: Path, *, champion: str | None) -> None:
    """Write everything into a folder that exists, the page last."""
    (folder / FIGURES).mkdir(exist_ok=True)
    pictures = {}
    for name, figure in _figures(comparison).items():
        png = _bytes(figure, "png")
        (folder / FIGURES / f"{name}.png").write_bytes(png)
        (folder / FIGURES / f"{name}.svg").write_bytes(_bytes(figure, "svg"))
        pictures[name] = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    (folder / TABLE).write_text(table_csv(comparison), "utf-8")
    (folder / JSON).write_text(json.dumps(as_json(comparison, champion), indent=1, allow_nan=False), "utf-8")
    (folder / PAGE).write_text(page_html(comparison, pictures, champion=champion), "utf-8")


def as_json(comparison: Comparison, champion: str | None) -> Mapping[str, Any]:
    """Return all figures as plain values, pictures left out."""
    return {
        "champion": champion,
        "rule": comparison.rule,
        "verdict": comparison.verdict,
        "machine": comparison.machine,
        "memory": comparison.memory,
        "settings": dict(comparison.settings),
        "notes": list(comparison.notes),
        "datasets": [
            {
                "name": data.name,
                "images": data.images,
                "parted": data.parted,
                "rows": [asdict(row) for row in data.rows],
            }
            for data in comparison.datasets
        ],
        "overall": [asdict(row) for row in comparison.overall],
        "curves": [_curve(curve) for curve in comparison.curves],
    }


def _curve(curve: Curve) -> Mapping[str, Any]:
    # JSON has no NaN, which stands for an epoch of which nothing is known
    series = {
        name: [None if isnan(value) else value for value in values] for name, values in curve.series.items()
    }
    return {**asdict(curve), "series": series}


def _figures(comparison: Comparison) -> dict[str, Figure]:
    drawn = {
        LOSS: loss_figure(comparison.curves, comparison.paper_curves),
        SCORES: score_figure(comparison.curves, comparison.paper_curves),
    }
    for number, data in enumerate(comparison.datasets, 1):
        drawn[f"{MASKS}-{number}"] = masks_figure(data.panels) if data.panels else None
    return {name: figure for name, figure in drawn.items() if figure is not None}


def _bytes(figure: Figure, kind: str) -> bytes:
    sink = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(sink, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return sink.getvalue()
