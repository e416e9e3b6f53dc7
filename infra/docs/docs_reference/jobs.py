"""The jobs for ``ray job submit``, by what each says of itself."""

import ast
import inspect
import re
from pathlib import Path

from docs_reference.markdown import one_line

JOBS = Path(__file__).resolve().parents[3] / "jobs"


def jobs() -> str:
    """Return a section for each file of ``jobs/``."""
    return "\n\n".join(_section(file) for file in sorted(JOBS.glob("*.py")))


def _section(file: Path) -> str:
    said = inspect.cleandoc(ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "")
    first, submitted, *rest = said.split("\n\n")
    lines = re.sub(r"\s{2,}", " \\\\\n    ", submitted)  # where the docstring's backslash took the break away
    return "\n\n".join([f"## jobs/{file.name}", first, f"```sh\n{lines}\n```", *map(one_line, rest)])
