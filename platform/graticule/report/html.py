"""Parts that both pages, of an experiment and of a comparison, are made of."""

from collections.abc import Sequence
from html import escape


def notes(lines: Sequence[str]) -> str:
    """Return what the reader should know first, as a list; nothing if there is nothing."""
    return f'<ul class="notes">{_items(lines)}</ul>' if lines else ""


def method(lines: Sequence[str]) -> str:
    """Return the section that says how the numbers came about."""
    return f'<section><h2>How to read the numbers</h2><ul class="small">{_items(lines)}</ul></section>'


def _items(lines: Sequence[str]) -> str:
    return "".join(f"<li>{escape(line)}</li>" for line in lines)
