"""Options of the form NAME=VALUE."""

import json
from typing import Any

from graticule.core.errors import ConfigError


def named_values(option: str, texts: list[str] | None) -> dict[str, Any]:
    """Return what repeated options say, by name; values are JSON where they can be.

    Args:
        option: What it is called, for messages: ``--option``.
        texts: Each NAME=VALUE.

    Raises:
        ConfigError: If one has no name or no value, or a name is given twice.
    """
    named: dict[str, Any] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise ConfigError(f"{option} {text!r} has no {'value' if name else 'name'}; write NAME=VALUE")
        if name in named:
            raise ConfigError(f"{option} {name} is given twice, {named[name]!r} and {value!r}; leave one out")
        named[name] = _value(value)
    return named


def _value(text: str) -> Any:
    """Return what a text says in JSON, such as ``2``, ``true`` or ``null``; else the text itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
