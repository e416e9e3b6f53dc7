"""Pages that are made from the code, while the site is built: nothing of them is kept, nothing can drift.

A page says ``<!-- generated: NAME -->`` where a table of :data:`MAKERS` goes, and
``<!-- included: FILE -->`` (relative to the page) where a text of the project goes, or
``<!-- included: FILE#Heading -->`` where one section of it goes.
"""

import re
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any

from sphinx.util import logging

from docs_reference.cli import commands
from docs_reference.environment import variables
from docs_reference.errors import tree
from docs_reference.jobs import jobs
from docs_reference.recipes import recipes, values
from docs_reference.settings import settings
from docs_reference.tables import columns

log = logging.getLogger(__name__)
MAKERS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "columns": columns,
    "errors": tree,
    "jobs": jobs,
    "recipes": recipes,
    "recipe-values": values,
    "settings": settings,
    "variables": variables,
}
_GENERATED = re.compile(r"^<!-- generated: ([a-z-]+) -->$", re.MULTILINE)
_INCLUDED = re.compile(r"^<!-- included: ([^\s#]+)(?:#(.+))? -->$", re.MULTILINE)
_LINK_BESIDE = re.compile(r"\[([^\]]+)\]\((?!https?:|#)[^)]+\)")


def whole(text: str, page: Path) -> str:
    """Return a page's text with what is generated and included in its place."""
    return _INCLUDED.sub(lambda found: _included(page.parent / found[1], found[2]), generated(text))


def generated(text: str) -> str:
    """Return a page's text with what is generated in its place."""
    return _GENERATED.sub(lambda found: MAKERS[found[1]](), text)


def _included(file: Path, section: str | None) -> str:
    """Return a text of the project as a part of a page: without its title, which the page has."""
    if not file.is_file():
        log.warning("%s is not there", file.resolve())
        return ""
    lines = file.read_text("utf-8").splitlines()
    if section:
        return _section(lines, section, file)
    if lines and lines[0].startswith("# "):
        lines = lines[1:]
    if file.suffix != ".md":
        return "\n".join(["```text", *lines, "```"])
    return "\n".join(lines)


def _section(lines: list[str], heading: str, file: Path) -> str:
    """Return what stands below a heading; links to files beside lead nowhere from elsewhere."""
    if f"## {heading}" not in lines:
        log.warning("%s has no heading %s", file.resolve(), heading)
        return ""
    below = lines[lines.index(f"## {heading}") + 1 :]
    kept = list(takewhile(lambda line: not line.startswith("## "), below))
    return _LINK_BESIDE.sub(r"\1", "\n".join(kept))


def _read(app: Any, document: str, source: list[str]) -> None:
    source[0] = whole(source[0], Path(app.env.doc2path(document)))


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx when to ask."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
