"""Choices by name: one table, name -> object, imported when asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from graticule.core.errors import UnknownNameError


def look_up(kind: str, table: Mapping[str, str], name: str) -> Any:
    """Return the object that ``table`` names as ``"module:attribute"``.

    Args:
        kind: What is looked up, for the message: "segmenter", "tracker".
        table: Name -> ``"package.module:attribute"``.
        name: The name asked for.

    Raises:
        UnknownNameError: If the table has no such name; lists the known ones.
    """
    if name not in table:
        raise UnknownNameError(kind, name, table)
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)
