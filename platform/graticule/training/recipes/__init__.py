"""Recipes that come with graticule, and those of users: TOML files, one per network.

A file says what differs from the defaults of :class:`graticule.training.recipe.Recipe`. A table
``random`` says what differs further where the network starts from random weights. Without
``start`` it is ``builtin`` where this version ships weights of the network, else ``random``.
"""

import os
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from pydantic import ValidationError

from graticule.core.errors import ConfigError, UnknownNameError
from graticule.core.refusal import refusal
from graticule.io import places
from graticule.models.weights import has_builtin
from graticule.training.recipe import Recipe, recipe_kind

SUFFIX = ".toml"
BUILTIN, RANDOM = "builtin", "random"
_SELF_CONTAINED = (BUILTIN, RANDOM)


def known() -> list[str]:
    """Return the names of the recipes that come with graticule."""
    names = (entry.name for entry in files(__package__).iterdir())
    return sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))


def recipe(
    name: str | None, network: str, overrides: Mapping[str, Any] | None = None, *, builtin: bool | None = None
) -> Recipe:
    """Return a network's recipe.

    Args:
        name: A file or URL ending in ``.toml``; or the name of one that comes with graticule, as
            it is or without ``-NETWORK`` at its end (``ship`` for ``ship-vmamba``). By default
            the one called like the network.
        network: The network to be trained.
        overrides: Values that go before those of the file, by name; parts of a table by a dot in
            between (``augmentation.blur``).
        builtin: Whether this version ships weights of the network; looked up by default.

    Raises:
        UnknownNameError: If there is none of that name; lists the known ones.
        ConfigError: If it is of another network, or a name or value in it cannot be.
        InputError: If the file cannot be read.
    """
    said, text = _text(name or network, network)
    values = _values(said, text)
    values.setdefault("network", network)
    if values["network"] != network:
        raise ConfigError(f"recipe {said} is for {values['network']}, not for {network}; leave --recipe out")
    without_weights = values.pop(RANDOM, {})
    if not isinstance(without_weights, dict):
        raise ConfigError(f"recipe {said}: random = {without_weights!r} cannot be: it should be a table")
    start = dict(overrides or {}).get("start", values.get("start"))
    shipped = has_builtin(network) if builtin is None else builtin
    values["start"] = (BUILTIN if shipped else RANDOM) if start is None else start
    if values["start"] == RANDOM:
        values = _merged(values, without_weights)
    for key, value in (overrides or {}).items():
        values = _merged(values, _nested(key, value))
    return _checked(said, values)


def as_toml(made: Recipe) -> str:
    """Return a recipe as a file that gives the same one again."""
    values = made.model_dump(mode="json", exclude_none=True)
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    plain = {key: value for key, value in values.items() if key not in tables}
    parts = [_lines(plain)]
    parts += [f"[{key}]\n{_lines(table)}" for key, table in tables.items() if table]
    return "\n".join(parts)


def _text(name: str, network: str) -> tuple[str, str]:
    """Return what a recipe is called in messages, and its text."""
    if name.endswith(SUFFIX):
        return name, places.read_whole(name).decode(errors="replace")
    there = known()
    for candidate in (name, f"{name}-{network}"):
        if candidate in there:
            return candidate, (files(__package__) / f"{candidate}{SUFFIX}").read_text()
    raise UnknownNameError("recipe", name, [*there, "FILE.toml"])


def _values(said: str, text: str) -> dict[str, Any]:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"recipe {said} is no TOML: {error}; mend that line") from None
    start = values.get("start")
    if isinstance(start, str) and _is_local(start) and said.endswith(SUFFIX) and not places.is_url(said):
        values["start"] = os.path.join(os.path.dirname(os.path.abspath(said)), os.path.expanduser(start))
    return values


def _is_local(start: str) -> bool:
    return start not in _SELF_CONTAINED and ":/" not in start


def _checked(said: str, values: dict[str, Any]) -> Recipe:
    kind = recipe_kind(values["network"])
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        whole = str(first["msg"]).removeprefix("Value error, ")
        wrong = refusal(error, kind) if first["loc"] else whole
        raise ConfigError(f"recipe {said}: {wrong}") from None


def _nested(key: str, value: Any) -> dict[str, Any]:
    first, dot, rest = key.partition(".")
    return {first: _nested(rest, value)} if dot else {key: value}


def _merged(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, value in others.items():
        before = merged.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        merged[key] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return merged


def _lines(values: Mapping[str, Any]) -> str:
    return "".join(f"{_quoted(key)} = {_toml(value)}\n" for key, value in values.items())


def _toml(value: Any) -> str:
    """Return a JSON value in TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value, always=True)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_quoted(key)} = {_toml(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)


def _quoted(text: str, *, always: bool = False) -> str:
    """Return a TOML key or, ``always`` in quotes, a TOML string."""
    if not always and text.replace("_", "").replace("-", "").isalnum() and text.isascii():
        return text
    escaped = "".join(c if c >= " " and c not in '"\\\x7f' else f"\\u{ord(c):04x}" for c in text)
    return f'"{escaped}"'
