"""The tables of a comparison of trackers: as HTML for the page, as CSV for everything else."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from graticule.report.comparison.cells import (
    DASH,
    MIB,
    best_value,
    csv_cells,
    csv_heads,
    framed,
    metric_cell,
)
from graticule.report.trackers.values import METRICS, Row, TrackerComparison


def table_html(rows: Sequence[Row]) -> str:
    """Return one table; the best value of each metric is bold."""
    heads = ["tracker", "frames/s", "memory, MiB", *(column.heading for column in METRICS.values())]
    means = [row.means for row in rows]
    best = {metric: best_value(means, metric, column) for metric, column in METRICS.items()}
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    return framed(head, "".join(_row_html(row, best) for row in rows))


def _row_html(row: Row, best: Mapping[str, float | None]) -> str:
    name = f"<th>{escape(row.name)}</th>"
    if row.trouble:
        return f'<tr class="failed">{name}<td colspan="{2 + len(METRICS)}">{escape(row.trouble)}</td></tr>'
    speed = DASH if row.frames_per_s is None else f"{row.frames_per_s:.3g}"
    memory = DASH if row.memory_bytes is None else f"{row.memory_bytes / MIB:,.0f}"
    cells = "".join(
        metric_cell(row.means.get(metric), row.differences.get(metric), column, best=best[metric])
        for metric, column in METRICS.items()
    )
    return f"<tr>{name}<td>{speed}</td><td>{memory}</td>{cells}</tr>"


def table_csv(comparison: TrackerComparison) -> str:
    """Return all rows of all tables: one line per group of movies and tracker."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    head = ["data", "segmentation", "movies", "frames", "tracker", "frames_per_s", "memory_bytes"]
    writer.writerow([*head, *csv_heads(METRICS, "baseline"), "trouble"])
    for group in comparison.groups:
        about = [group.data, group.segmentation, group.movies, group.frames]
        writer.writerows([*about, row.name, *_csv_cells(row)] for row in group.rows)
    return sink.getvalue()


def _csv_cells(row: Row) -> Iterator[object]:
    yield "" if row.frames_per_s is None else row.frames_per_s
    yield "" if row.memory_bytes is None else row.memory_bytes
    yield from csv_cells(METRICS, row.means, row.differences)
    yield row.trouble or ""
