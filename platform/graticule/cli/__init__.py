"""The ``graticule`` command: parse, call one function, say where the result lies."""

import logging
import sys
from collections.abc import Sequence

import typer

from graticule.cli.commands import app
from graticule.core.errors import GraticuleError
from graticule.core.keyless import log_without_keys, without_keys

# typer brings click along within itself, or takes the one installed: only its own words are safe.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a user's error in one line, 2 wrong usage."""
    log_without_keys(level=logging.WARNING, form="graticule: %(message)s")
    logging.getLogger("graticule").setLevel(logging.INFO)
    sys.exit(_run(list(sys.argv[1:] if arguments is None else arguments)))


def _run(arguments: list[str]) -> int:
    try:
        status = int(app(arguments, prog_name="graticule", standalone_mode=False) or 0)
        return _interrupted() if status == _INTERRUPTED else status
    except typer.Exit as done:
        return done.exit_code
    except _UsageError as error:
        return _usage(error)
    except (GraticuleError, OSError, MemoryError) as error:
        print(f"graticule: error: {without_keys(str(error)) or type(error).__name__}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()


def _interrupted() -> int:
    print("graticule: interrupted; the same command goes on from here", file=sys.stderr)
    return _INTERRUPTED


def _usage(error: Exception) -> int:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error, file=sys.stderr)
        return 2
    said = " ".join(str(getattr(error, "format_message", error.__str__)()).split()).rstrip(".")
    command = context.command_path if context else "graticule"
    print(f"graticule: error: {without_keys(said)}; see: {command} --help", file=sys.stderr)
    return 2
