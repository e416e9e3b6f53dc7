"""``graticule --version``."""

from typing import Annotated

import typer

from graticule import __version__
from graticule.cli.saying import say


def _say(asked: bool) -> bool:
    if asked:
        say(f"graticule {__version__}")
        raise typer.Exit
    return asked


def options(
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is", callback=_say, is_eager=True)
    ] = False,
) -> None:
    """Options that stand before a command."""
