"""``graticule --version``."""

from typing import Annotated

import typer

from graticule import __version__


def _say(asked: bool) -> None:
    if asked:
        typer.echo(f"graticule {__version__}")
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is", callback=_say, is_eager=True)
    ] = False,
) -> None:
    """Options that stand before a command."""
