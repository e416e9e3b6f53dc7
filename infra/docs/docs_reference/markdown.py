"""Small pieces of Markdown."""

import re
from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [_row(headings), "|" + "---|" * len(headings), *map(_row, rows)]
    return "\n".join(lines)


def code(text: object) -> str:
    """Return a text as code, for a cell."""
    return f"`{text}`"


def one_line(text: str | None) -> str:
    """Return a docstring's text in one line, its double backticks and roles as Markdown has them."""
    said = " ".join((text or "").split()).replace("``", "`")
    return re.sub(r":(?:\w+:)?\w+:`~?([^`]+)`", r"`\1`", said)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
