"""The endpoint's settings, from the class that holds them."""

import ast
import inspect
from itertools import pairwise
from typing import Any

from docs_reference.markdown import code, one_line, table
from serve.settings import ServeSettings


def settings() -> str:
    """Return a table of all settings."""
    said = documented(ServeSettings)
    rows = [
        (code(name), _amount(name, field.default), one_line(said[name]))
        for name, field in ServeSettings.model_fields.items()
    ]
    return table(("setting", "default", "what"), rows)


def documented(model: type) -> dict[str, str]:
    """Return the docstring below each field of a class; one without stops the build."""
    body = ast.parse(inspect.getsource(model)).body[0].body  # type: ignore[attr-defined]
    said: dict[str, str] = {}
    for node, below in pairwise([*body, ast.Pass()]):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if not isinstance(below, ast.Expr) or not isinstance(below.value, ast.Constant):
                raise KeyError(f"{model.__name__}.{node.target.id} has no docstring below it; say what it is")
            said[node.target.id] = str(below.value.value)
    return said


def _amount(name: str, value: Any) -> str:
    if value in (None, ()):
        return "none"
    if name.endswith("_bytes"):
        return f"{value // 2**20} MiB"
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else f"{value:g}"
