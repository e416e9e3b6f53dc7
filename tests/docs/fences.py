"""What stands between fences in the pages: commands and code that a reader would run."""

import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "infra" / "docs"))

from docs_reference import generated  # noqa: E402

RUN = ("sh", "python")
SHOWN = ("text", "toml", "yaml", "json", "ini", "promql", "{eval-rst}", "{figure}", "{toctree}")
_OPEN = re.compile(r"^(\s*)(`{3,}|:{3,})\s*(\S*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fence:
    """One of a page: where it begins, what it is written in, and what stands in it."""

    page: str
    line: int
    language: str
    code: str


def pages() -> list[str]:
    """Return all pages that people read, the first first."""
    top = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
    below = sorted(str(file.relative_to(ROOT)) for file in (ROOT / "docs").rglob("*.md"))
    return [name for name in top if (ROOT / name).exists()] + below


def fences(page: str) -> list[Fence]:
    """Return a page's fences in order, those that are generated with it included."""
    lines = generated((ROOT / page).read_text("utf-8")).splitlines()
    found, number = [], 0
    while number < len(lines):
        opened = _OPEN.match(lines[number])
        number += 1
        if not opened:
            continue
        begun = number
        while number < len(lines) and lines[number].strip() != opened[2]:
            number += 1
        code = textwrap.dedent("\n".join(lines[begun:number]))
        found.append(Fence(page=page, line=begun, language=opened[3], code=code))
        number += 1
    return found
