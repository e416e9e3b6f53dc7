"""Texts of a query or a form -> checked options."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from graticule.core.refusal import refusal
from serve.problems import Problem

Options = TypeVar("Options", bound=BaseModel)
_LONGEST = 300
_JSON = ("prompts",)
"""Fields whose text is JSON."""


def gathered(*sources: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the fields of all sources.

    Raises:
        Problem: 400 if one is given twice.
    """
    found: dict[str, str] = {}
    for name, text in (item for source in sources for item in source):
        if name in found:
            raise Problem("bad-request", f"{name[:60]!r} is given twice; give it once")
        found[name] = text
    return found


def read_options(kind: type[Options], texts: Mapping[str, str]) -> Options:
    """Return the options that texts give; an empty text counts as none.

    Raises:
        Problem: 400 if there is no such option or its JSON cannot be read, 422 if a value cannot be.
    """
    unknown = sorted(texts.keys() - kind.model_fields.keys())
    if unknown:
        known = ", ".join(kind.model_fields)
        raise Problem("bad-request", f"there is no field {unknown[0][:60]!r}; known: {known}")
    given = {name: _value(name, text) for name, text in texts.items() if text != ""}
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise Problem("cannot-be", _short(refusal(error, kind))) from None


def _value(name: str, text: str) -> Any:
    if name not in _JSON:
        return text
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Problem(
            "bad-request", f"{name} is no JSON ({_short(str(error))}); see /docs for its form"
        ) from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON's")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
