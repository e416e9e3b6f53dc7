"""Cells that the tables of all comparisons are made of: a mean, its interval, its difference."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graticule.report.comparison.values import Mean

DASH = "–"
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Column:
    """How a metric is shown."""

    heading: str
    digits: int = 3
    less_is_better: bool = False


def framed(head: str, body: str) -> str:
    """Return a table that scrolls by itself where it is too wide."""
    table = f'<table class="figures"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def best_value(means: Sequence[Mapping[str, Mean]], metric: str, column: Column) -> float | None:
    """Return the best value that a row has; ``None`` if none has any."""
    values = [row[metric].value for row in means if metric in row]
    choose = min if column.less_is_better else max
    return choose(values) if values else None


def metric_cell(mean: Mean | None, apart: Mean | None, column: Column, *, best: float | None) -> str:
    """Return a mean, bold where it is the best, with its interval and its difference to the baseline."""
    if mean is None:
        return f"<td>{DASH}</td>"
    digits = column.digits
    value = f"<b>{mean.value:.{digits}f}</b>" if mean.value == best else f"{mean.value:.{digits}f}"
    interval = f"<small>{mean.low:.{digits}f} … {mean.high:.{digits}f}</small>"
    return f"<td>{value}{interval}{_difference(apart, column)}</td>"


def csv_heads(metrics: Iterable[str], baseline: str) -> list[str]:
    """Return the heads of the columns that :func:`csv_cells` fills."""
    ends = [f"{part}{end}" for part in ("", f"_minus_{baseline}") for end in ("", "_low", "_high")]
    return [f"{metric}{end}" for metric in metrics for end in ends]


def csv_cells(
    metrics: Iterable[str], means: Mapping[str, Mean], differences: Mapping[str, Mean]
) -> Iterator[object]:
    """Yield each metric's mean and its interval, and its difference likewise; empty where there is none."""
    for metric in metrics:
        for mean in (means.get(metric), differences.get(metric)):
            yield from ("", "", "") if mean is None else (mean.value, mean.low, mean.high)


def _difference(apart: Mean | None, column: Column) -> str:
    if apart is None:
        return ""
    sign, digits = -1 if column.less_is_better else 1, column.digits
    surely = min(sign * apart.low, sign * apart.high) > 0, max(sign * apart.low, sign * apart.high) < 0
    kind = "better" if surely[0] else "worse" if surely[1] else "unsure"
    span = f"{apart.low:+.{digits}f} … {apart.high:+.{digits}f}"
    text = f"{apart.value:+.{digits}f}".replace("-", "−")
    return f'<small class="{kind}" title="95 % interval: {span}">{text}</small>'
