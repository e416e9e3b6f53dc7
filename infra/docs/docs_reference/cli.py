"""Every command of ``graticule``, from the application itself."""

import inspect
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args

import typer.main

from docs_reference.markdown import code, one_line, table
from graticule.cli.commands import app

PROGRAM = "graticule"


def commands() -> str:
    """Return the options that stand before a command, and a section for each command."""
    first = [each for each in typer.main.get_command(app).params if each.param_type_name == "option"]
    before = f"Before a command:\n\n{_options(first)}\n\n" if first else ""
    return before + "\n\n".join(_section(name, command) for name, command in walk())


def walk() -> Iterator[tuple[str, Any]]:
    """Yield the full name of every command that does something, and the command."""
    yield from _below(PROGRAM, typer.main.get_command(app))


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for part in sorted(inner):
        yield from _below(f"{name} {part}", inner[part])


def _section(name: str, command: Any) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    parts = [f"## {name}", inspect.cleandoc(command.help or "").replace("``", "`")]
    parts.append(f"```text\n{_usage(name, arguments, options)}\n```")
    if any(each.help for each in arguments):
        rows = [(code(_metavar(each)), _number(each), one_line(each.help)) for each in arguments]
        parts.append(table(("argument", "how many", "what"), rows))
    if options:
        parts.append(_options(options))
    return "\n\n".join(parts)


def _options(options: list[Any]) -> str:
    rows = [(_names(each), _value(each), _default(each), one_line(each.help)) for each in options]
    return table(("option", "value", "default", "what"), rows)


def _usage(name: str, arguments: list[Any], options: list[Any]) -> str:
    asked = [f"{each.opts[0]} {_shown(each)}" for each in options if each.required]
    words = [name, *map(_argument, arguments), *asked]
    return " ".join(words) + (" [options]" if len(asked) < len(options) else "")


def _argument(each: Any) -> str:
    shown = _metavar(each) + ("…" if each.nargs == -1 else "")
    return shown if each.required or shown.startswith("[") else f"[{shown}]"


def _metavar(each: Any) -> str:
    return str(each.metavar or each.name.upper())


def _number(each: Any) -> str:
    return "one or more" if each.nargs == -1 else "one" if each.required else "none or one"


def _names(each: Any) -> str:
    return ", ".join(code(name) for name in (*each.opts, *each.secondary_opts))


def _value(each: Any) -> str:
    shown = "" if getattr(each, "is_flag", False) else code(_shown(each))
    return f"{shown}, repeatable" if each.multiple else shown


def _shown(each: Any) -> str:
    if each.metavar:
        return str(each.metavar)
    kind = _kind(each.type_descriptor.annotation)
    if issubclass(kind, Enum):
        return "|".join(str(choice.value) for choice in kind)
    return {int: "N", float: "NUMBER"}.get(kind, "TEXT") + (f" ≥ {each.min}" if each.min is not None else "")


def _kind(annotation: Any) -> type:
    """Return what a value is, optional or repeated or not."""
    inner = [part for part in get_args(annotation) if part is not type(None)]
    return _kind(inner[0]) if inner else annotation


def _default(each: Any) -> str:
    variables = [each.envvar] if isinstance(each.envvar, str) else list(each.envvar or ())
    said = [f"`${name}`" for name in variables]
    if each.required:
        return "required"
    default = getattr(each.default, "value", each.default)
    if default not in (None, False, (), []):
        said.append(code("on" if default is True else default))
    elif default is False and each.secondary_opts:
        said.append("off")
    return ", else ".join(said)
