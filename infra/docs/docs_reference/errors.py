"""The tree of errors, as its module draws it."""

import inspect

from docs_reference.markdown import code, one_line, table
from graticule.core import errors


def tree() -> str:
    """Return the drawing, and a table of the classes."""
    drawing = inspect.cleandoc(errors.__doc__ or "").split("::\n", 1)[1].split("\n\nEvery")[0]
    found = [
        each for _, each in inspect.getmembers(errors, inspect.isclass) if each.__module__ == errors.__name__
    ]
    rows = [(code(f"graticule.core.errors.{each.__name__}"), one_line(each.__doc__)) for each in found]
    return f"```text\n{inspect.cleandoc(drawing)}\n```\n\n" + table(("class", "what"), rows)
