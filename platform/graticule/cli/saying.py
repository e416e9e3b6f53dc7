"""What a command says on standard output."""

import typer

from graticule.core.keyless import without_keys


def say(line: str) -> None:
    """Print a line; addresses are told without their keys."""
    typer.echo(without_keys(line))
