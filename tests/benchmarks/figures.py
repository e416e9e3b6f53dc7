"""The figures of a benchmark's section: what stands in its tables and in bold, by name."""

import re
from collections.abc import Iterator, Sequence

_BOLD = re.compile(r"\*\*(?P<name>[^*]*?)\s*(?P<value>-?\d[\d,.]*(?:e[+-]?\d+)?)\s?(?P<unit>[^*]*)\*\*")
_RULE = re.compile(r"\|[\s:|-]+\|")


def figures(lines: Sequence[str]) -> dict[str, float]:
    """Return the numbers in a section's tables, as ``row/column``, and those in bold."""
    text = [line for part in lines for line in part.splitlines() or [""]]
    found: dict[str, float] = {}
    for table in _tables(text):
        found.update(_of_table(table))
    for match in _BOLD.finditer("\n".join(line for line in text if not line.startswith("|"))):
        value = _number(match["value"].rstrip(".,"))
        if value is not None:
            found[" ".join(filter(None, (match["name"], match["unit"])))] = value
    return found


def _tables(lines: Sequence[str]) -> Iterator[list[list[str]]]:
    rows: list[list[str]] = []
    for line in [*lines, ""]:
        if line.startswith("|"):
            if not _RULE.fullmatch(line.strip()):
                rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
        elif rows:
            yield rows
            rows = []


def _of_table(table: list[list[str]]) -> Iterator[tuple[str, float]]:
    """Yield a table's numbers; a row is called by as many cells as tell it from the others."""
    head, *rows = table
    labels = next(
        (n for n in range(1, len(head)) if len({tuple(row[:n]) for row in rows}) == len(rows)), len(head) - 1
    )
    for row in rows:
        for column, cell in list(zip(head, row, strict=False))[labels:]:
            value = _number(cell)
            if value is not None:
                yield f"{' '.join(row[:labels])}/{column}", value


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "").strip("*% "))
    except ValueError:
        return None
