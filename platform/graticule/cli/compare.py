"""``graticule compare``: segmenters on the same labelled images, as a page and in MLflow."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graticule.cli.paths import (
    in_submitted_job,
    located,
    located_comparison,
    located_segmenter,
    located_source,
)
from graticule.cli.progress import progress_bars
from graticule.cli.saying import say
from graticule.core.ending import ended_by_signals

if TYPE_CHECKING:
    from graticule.training.comparison import Compared
    from graticule.training.comparison.measure import Execute, Measured, Work

log = logging.getLogger(__name__)
NOBODY = "none"


def compare(
    data: Annotated[
        list[str],
        typer.Option("--data", help="Labelled images: DIR, data.yaml, EXP or synthetic:PRESET; repeatable"),
    ],
    out: Annotated[str, typer.Option("--out", help="Folder for page, tables and figures")],
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models",
            help="all (what ships and what is registered), NETWORK[=WEIGHTS], models:/NAME/VERSION,"
            " or a folder of graticule train; comma-separated, repeatable; threshold is always among them",
        ),
    ] = None,
    images: Annotated[int, typer.Option("--images", min=1, help="Of each synthetic:PRESET")] = 20,
    champion: Annotated[
        str,
        typer.Option(
            "--champion",
            metavar="METRIC",
            help="Who is best in it gets the alias champion: auto (AP50, or IoU where the truth does not"
            " part particles), iou, dice, ap50, pq, boundary_f1, count_error; none: no alias",
        ),
    ] = "auto",
    at_least: Annotated[
        float | None, typer.Option("--at-least-images-per-s", help="Slower ones cannot become champion")
    ] = None,
    paper_logs: Annotated[
        str | None, typer.Option("--paper-logs", help="Folder with the paper's logs, em4/logs")
    ] = None,
    polarity: Annotated[
        str, typer.Option("--polarity", help="As told by the labels (dark), or auto: guessed, as for users")
    ] = "dark",
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Default: one per CPU")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Share the images out on Ray among so many workers")
    ] = None,
    mlflow: Annotated[bool, typer.Option("--mlflow/--no-mlflow", help="Log to MLflow")] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another comparison")] = False,
) -> int:
    """Compare segmenters on labelled images; say which is best."""
    from graticule.training.comparison import Asked, Rule, compare_in_mlflow, entrants_of
    from graticule.training.comparison import compare as compared
    from graticule.training.sources import open_source

    folder = Path(located_comparison(out))
    rule = Rule(metric="auto" if champion == NOBODY else champion, least_images_per_s=at_least)
    asked = Asked(
        made=images,
        polarity=polarity,
        threads=threads or os.cpu_count() or 1,
        rule=rule,
        paper_logs=None if paper_logs is None else Path(located(paper_logs)),
    )
    entrants = entrants_of([",".join(map(located_segmenter, text.split(","))) for text in models or ["all"]])
    sources = [open_source(located_source(text)) for text in data]
    with ended_by_signals(), progress_bars() as listen, _execution(workers) as execute:
        how: dict[str, Any] = {"listen": listen, "execute": execute, "overwrite": overwrite}
        if not mlflow:
            return _say(compared(sources, entrants, folder, asked, **how))
        done = compare_in_mlflow(sources, entrants, folder, asked, alias=champion != NOBODY, **how)
    status = _say(done.compared)
    if done.champion is not None:
        say(f"champion:   models:/{done.champion.name}/{done.champion.version}")
    say(f"MLflow run: {done.run.run_id}")
    return status


@contextmanager
def _execution(workers: int | None) -> "Iterator[Execute]":
    """Yield how entrants are measured: in processes of this machine, or on Ray where that is asked for.

    Ray starts when the first entrant has work, so that a mistake in what was asked for costs no start.
    """
    from graticule.training.comparison.apart import one_by_one

    if workers is None and not in_submitted_job():
        yield one_by_one
        return
    with ExitStack() as until_end:

        def on_ray(works: "Sequence[Work]") -> "Iterator[Measured]":
            from graticule.pipeline.process import handed_on
            from graticule.pipeline.session import ray_session
            from graticule.training.distributed.comparing import CompareOnRay

            until_end.enter_context(ray_session(workers=workers))
            yield from CompareOnRay(workers=workers, environment=handed_on())(works)

        yield on_ray


def _say(done: "Compared") -> int:
    """Print every entrant's figures in a line; return 1 if one has none."""
    for data in done.comparison.datasets:
        say(data.name)
        for row in data.rows:
            figures = "  ".join(f"{metric} {mean.value:.4f}" for metric, mean in row.means.items())
            speed = f"  {row.speed.images_per_s:.3g} images/s" if row.speed else ""
            say(f"  {row.name:<36} {row.trouble or figures + speed}")
    for trouble in done.troubles:
        log.error("error: %s", trouble)
    say(done.verdict.text)
    say(f"page:       {done.out}/index.html")
    return int(bool(done.troubles))
