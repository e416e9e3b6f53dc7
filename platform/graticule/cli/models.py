"""``graticule models``: what there is to choose from, and weights made ready for use."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from graticule.cli.paths import located
from graticule.cli.saying import say
from graticule.core.errors import ConfigError

if TYPE_CHECKING:
    from graticule.models import ModelRow

HEADINGS = ("name", "parameters", "native size", "licence", "weights", "source")


class _ListByDefault(TyperGroup):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["list"])


models_app = typer.Typer(
    cls=_ListByDefault,
    rich_markup_mode=None,
    help="List segmenters and trackers, register or convert weights, choose the champion.",
)


@models_app.command("list")
def listed() -> None:
    """List the segmenters and trackers."""
    from graticule import models, tracking

    _table([HEADINGS, *map(_cells, models.describe())])
    say("")
    for line in _versions():
        say(line)
    for name in sorted(tracking.TRACKERS):
        say(f"tracker    {name}")


@models_app.command()
def convert(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A published checkpoint: path or URL")],
    out: Annotated[str | None, typer.Option("--out", help="Default: beside FILE, *.safetensors")] = None,
    network: Annotated[str | None, typer.Option("--network", help="Default: told by its keys")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Build pickled objects, which may run code")] = False,
) -> None:
    """Write a published checkpoint as a safetensors file.

    FILE may hold pickled objects, which run code when they are built: only with --trust. The file
    written holds numbers alone and needs no trust.
    """
    from graticule.models.weights import convert as converted

    target = None if out is None else located(out)
    say(f"weights: {converted(located(file), target, trust=trust, network=network)}")


@models_app.command()
def champion(
    version: Annotated[
        str | None,
        typer.Argument(metavar="[VERSION|none]", help="Of graticule-segmenter, or none"),
    ] = None,
) -> None:
    """Say or set what --segmenter champion stands for."""
    from graticule.experiments import champion as registry

    if version == "none":
        registry.no_champion()
        say("champion: none")
        return
    if version is not None:
        registry.set_champion(_number(version))
    now = registry.champion()
    say(f"champion: {now.weights} ({now.network})")


@models_app.command()
def register(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Of one network, in the --out of train")],
) -> None:
    """Register the weights of a finished training in MLflow."""
    from graticule.training.registering import register_finished

    entry = register_finished(located(folder))
    say(f"registered: models:/{entry.name}/{entry.version}")


def _number(version: str) -> int:
    try:
        return int(version)
    except ValueError:
        raise ConfigError(
            f"{version!r} is no version; give its number, as graticule models lists it, or none"
        ) from None


def _versions() -> list[str]:
    """Return a line per registered segmenter, with an empty one below; none where nothing answers."""
    from graticule.experiments.address import SEGMENTER
    from graticule.experiments.models import registered

    try:
        entries = [entry for entry in registered() if entry.name == SEGMENTER]
    except ConfigError:  # the table says so already
        return []
    rows = [
        (
            "registered",
            f"models:/{entry.name}/{entry.version}",
            entry.network or "network unknown",
            ", ".join(entry.aliases),
            _score(entry.tags),
        )
        for entry in entries
    ]
    return [*_aligned(rows), ""] if rows else []


def _score(tags: Mapping[str, str]) -> str:
    return f"score {tags['score.score']}" if "score.score" in tags else ""


def _cells(row: "ModelRow") -> tuple[str, ...]:
    parameters = "-" if row.parameters is None else f"{row.parameters:,}"
    native = "any" if row.native_px is None else f"{row.native_px} px"
    return row.name, parameters, native, row.licence, row.weights, row.source


def _table(rows: list[tuple[str, ...]]) -> None:
    """Print all columns; on a terminal too narrow for them the last two below the others."""
    lines = _aligned(rows)
    if sys.stdout.isatty() and max(map(len, lines)) > shutil.get_terminal_size().columns:
        lines = _aligned([row[:-2] for row in rows])
        below = [("name", f"{HEADINGS[-2]}, {HEADINGS[-1]}")]
        for row in rows[1:]:
            below += [(row[0], row[-2]), ("", row[-1])]
        lines += ["", *_aligned(below)]
    for line in lines:
        say(line)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
