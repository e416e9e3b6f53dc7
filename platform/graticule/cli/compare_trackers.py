"""``graticule compare-trackers``: trackers on the same movies and instances, as a page and in MLflow."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graticule.cli.paths import located_comparison, located_segmenter, located_source
from graticule.cli.progress import progress_bars
from graticule.cli.saying import say
from graticule.cli.values import named_values
from graticule.core.ending import ended_by_signals
from graticule.core.errors import ConfigError

if TYPE_CHECKING:
    from graticule.training.tracker_comparison import Compared

log = logging.getLogger(__name__)
_SAID = ("idf1", "hota", "tra", "merge_f1_4")


def compare_trackers(
    data: Annotated[
        list[str],
        typer.Option("--data", help="Movies with their truth: EXP or synthetic:PRESET; repeatable"),
    ],
    out: Annotated[str, typer.Option("--out", help="Folder for page and tables")],
    trackers: Annotated[
        list[str] | None,
        typer.Option(
            "--trackers", help="all, or names; comma-separated, repeatable; overlap is always among them"
        ),
    ] = None,
    segmentations: Annotated[
        list[str] | None,
        typer.Option(
            "--segmentations",
            help="truth, or a segmenter: NAME, NETWORK=WEIGHTS, models:/…; comma-separated, repeatable",
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--tracker-option", metavar="TRACKER.NAME=VALUE", help="Of one tracker; repeatable"),
    ] = None,
    frames: Annotated[int, typer.Option("--frames", min=1, help="Of each synthetic movie")] = 100,
    size: Annotated[int, typer.Option("--size", min=32, help="Of each synthetic movie, px")] = 512,
    seeds: Annotated[str, typer.Option("--seeds", help="A synthetic movie for each")] = "101,102,103",
    polarity: Annotated[
        str, typer.Option("--polarity", help="Told to segmenters: dark, bright, or auto: guessed")
    ] = "auto",
    threads: Annotated[int, typer.Option("--threads", min=1, help="Of each tracker's process")] = 1,
    mlflow: Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Log to MLflow")] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another comparison")] = False,
) -> int:
    """Compare trackers on movies whose truth is known."""
    from graticule.training.tracker_comparison import Asked, compare_in_mlflow, entrants_of
    from graticule.training.tracker_comparison import compare_trackers as compared
    from graticule.training.tracker_comparison.movies import Making

    folder = Path(located_comparison(out))
    entrants = entrants_of(trackers or ["all"], named_values("--tracker-option", option))
    asked = Asked(
        data=tuple(located_source(text) for text in data),
        segmentations=tuple(
            located_segmenter(part) for text in segmentations or ["truth"] for part in text.split(",")
        ),
        making=Making(frames=frames, size=size, seeds=_numbers(seeds)),
        polarity=polarity,
        threads=threads,
    )
    with ended_by_signals(), progress_bars() as listen:
        how: dict[str, Any] = {"listen": listen, "overwrite": overwrite}
        if not mlflow:
            return _say(compared(entrants, folder, asked, **how))
        done = compare_in_mlflow(entrants, folder, asked, **how)
    status = _say(done.compared)
    say(f"MLflow run: {done.run.run_id}")
    return status


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--seeds {text!r} are not numbers; write 101,102,103") from None


def _say(done: "Compared") -> int:
    """Print every tracker's figures in a line; return 1 if one has none."""
    from graticule.report.trackers import METRICS

    width = max(len(each.entrant.name) for each in done.measured)
    for group in done.comparison.groups:
        say(group.name)
        for row in group.rows:
            known = [
                f"{METRICS[name].heading} {row.means[name].value:.4f}" for name in _SAID if name in row.means
            ]
            speed = f"{row.frames_per_s:.3g} frames/s" if row.frames_per_s is not None else ""
            say(f"  {row.name:<{width}}  {row.trouble or '  '.join([*known, speed])}")
    for trouble in done.troubles:
        log.error("error: %s", trouble)
    say(f"page:       {done.out}/index.html")
    return int(bool(done.troubles))
