"""Parts that both pages, of an experiment and of a comparison, are made of."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files


def notes(lines: Sequence[str]) -> str:
    """Return what the reader should know first, as a list; nothing if there is nothing."""
    return f'<ul class="notes">{_items(lines)}</ul>' if lines else ""


def method(lines: Sequence[str]) -> str:
    """Return the section that says how the numbers came about."""
    return f'<section><h2>How to read the numbers</h2><ul class="small">{_items(lines)}</ul></section>'


def settings(values: Mapping[str, str], after: str) -> str:
    """Return the section that says how the work was done; ``after`` is HTML."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in values.items()
    )
    return (
        f'<section><h2>Settings</h2><div class="runs"><table>{rows}</table></div>'
        f'<p class="small">{after}</p></section>'
    )


def comparison_page(title: str, body: Iterable[str]) -> str:
    """Return the whole page of a comparison as text."""
    resources = files("graticule.report")
    style = "".join(
        resources.joinpath(name).read_text("utf-8") for name in ("page.css", "comparison/page.css")
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} | graticule</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><style>{style}</style></head><body>'
        f"<main>{''.join(body)}</main></body></html>"
    )


def comparison_header(title: str, facts: str, machine: str, known: Sequence[str]) -> str:
    """Return a comparison's headline, what was compared on which machine, and notes."""
    return (
        f'<header><p class="brand">graticule comparison</p><h1>{title}</h1>'
        f"<p>{escape(facts)} · {escape(machine)}</p>{notes(known)}</header>"
    )


def _items(lines: Sequence[str]) -> str:
    return "".join(f"<li>{escape(line)}</li>" for line in lines)
