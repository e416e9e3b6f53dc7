"""The comparison's tables: as HTML for the page, as CSV for everything else."""

import csv
import io
from collections.abc import Iterator, Sequence
from html import escape

from graticule.report.comparison.cells import (
    DASH,
    MIB,
    Column,
    best_value,
    csv_cells,
    csv_heads,
    framed,
    metric_cell,
)
from graticule.report.comparison.paper import PAPER
from graticule.report.comparison.values import LESS_IS_BETTER, METRICS, Comparison, Row

_OUR_NAME = 7
_COLUMNS = {
    metric: Column(
        heading, digits=1 if metric == "count_error" else 3, less_is_better=metric in LESS_IS_BETTER
    )
    for metric, heading in METRICS.items()
}
_SPEED = ("input, px", "images/s", "Mpx/s")


def table_html(rows: Sequence[Row], *, memory: str, champion: str | None = None) -> str:
    """Return one table; the best value of each metric is bold, the champion's row marked.

    A metric's cell holds the mean, its interval, and below them the difference to ``threshold``.
    """
    heads = ["model", *_SPEED, f"{memory}, MiB", "parameters", *METRICS.values()]
    means = [row.means for row in rows]
    best = {metric: best_value(means, metric, column) for metric, column in _COLUMNS.items()}
    body = "".join(_row_html(row, best, champion) for row in rows)
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    return framed(head, body)


def _row_html(row: Row, best: dict[str, float | None], champion: str | None) -> str:
    name = f"<th>{escape(row.name)}{' ★' if row.name == champion else ''}</th>"
    if row.trouble:
        return f'<tr class="failed">{name}<td colspan="{5 + len(METRICS)}">{escape(row.trouble)}</td></tr>'
    plain = "".join(f"<td>{escape(cell)}</td>" for cell in _plain_cells(row))
    metrics = "".join(
        metric_cell(row.means.get(metric), row.differences.get(metric), column, best=best[metric])
        for metric, column in _COLUMNS.items()
    )
    kind = ' class="champion"' if row.name == champion else ""
    return f"<tr{kind}>{name}{plain}{metrics}</tr>"


def _plain_cells(row: Row) -> Iterator[str]:
    yield "any" if row.resolution_px is None else str(row.resolution_px)
    yield DASH if row.speed is None else f"{row.speed.images_per_s:.3g}"
    yield DASH if row.speed is None else f"{row.speed.pixels_per_s / 1e6:.3g}"
    yield DASH if row.memory_bytes is None else f"{row.memory_bytes / MIB:,.0f}"
    yield f"{row.parameters:,}" if row.parameters else DASH


def paper_table_html(comparison: Comparison) -> str:
    """Return the paper's table with ours beside it, row by row, where a data set is the paper's."""
    ours = next((data for data in comparison.datasets if is_of_the_paper(data.name)), None)
    heads = ["model", "input, px", "parameters", "images/s", "VRAM, MB", "IoU", "Dice"]
    if ours is not None:
        heads += ["our entrant", "our images/s", "our IoU", "our Dice"]
    lines = []
    for row in PAPER:
        cells = [row.name, str(row.resolution_px), f"{row.parameters:,}", f"{row.images_per_s:g}"]
        cells += [str(row.memory_mb), f"{row.iou:.5f}", f"{row.dice:.5f}"]
        same = [found for found in (ours.rows if ours else ()) if found.name.startswith(f"{row.ours} (")]
        lines += [[*cells, *_beside(found)] for found in same[:1]] or [[*cells, *[DASH] * (len(heads) - 7)]]
        lines += [[*[""] * 7, *_beside(found)] for found in same[1:]]
    if ours is not None:
        lines += [["", *[""] * 6, *_beside(row)] for row in ours.rows if row.name == "threshold"]
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(map(_paper_cell, range(len(line)), line))}</tr>" for line in lines)
    return framed(head, body)


def _paper_cell(column: int, text: str) -> str:
    kind = ' class="wrapped"' if column == _OUR_NAME else ""
    return f"<td{kind}>{escape(text)}</td>"


def is_of_the_paper(name: str) -> bool:
    """Whether a data set's name says that it is the paper's test set."""
    return "em4/test" in name.replace("\\", "/")


def _beside(row: Row) -> list[str]:
    if row.trouble or row.speed is None:
        return [row.name, DASH, DASH, DASH]
    figures = [f"{row.means[metric].value:.5f}" for metric in ("iou", "dice")]
    return [row.name, f"{row.speed.images_per_s:.3g}", *figures]


def table_csv(comparison: Comparison) -> str:
    """Return all rows of all tables: one line per data set and entrant."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    head = ["data", "model", "images", "resolution_px", "images_per_s", "pixels_per_s", "memory_bytes"]
    head += ["parameters", *csv_heads(METRICS, "threshold"), "trouble"]
    writer.writerow(head)
    for data in comparison.datasets:
        writer.writerows([data.name, row.name, data.images, *_csv_cells(row)] for row in data.rows)
    images = sum(data.images for data in comparison.datasets)
    writer.writerows(["all", row.name, images, *_csv_cells(row)] for row in comparison.overall)
    return sink.getvalue()


def _csv_cells(row: Row) -> Iterator[object]:
    yield row.resolution_px or ""
    yield from ("", "") if row.speed is None else (row.speed.images_per_s, row.speed.pixels_per_s)
    yield "" if row.memory_bytes is None else row.memory_bytes
    yield "" if row.parameters is None else row.parameters
    yield from csv_cells(METRICS, row.means, row.differences)
    yield row.trouble or ""
