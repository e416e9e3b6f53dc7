"""A comparison in MLflow: one run, with a run of each entrant in it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graticule.core.keyless import keyless
from graticule.core.progress import Listener, ignore
from graticule.experiments.models import Registered
from graticule.experiments.runs import Run, start
from graticule.report.comparison.values import Row
from graticule.training.comparison.apart import one_by_one
from graticule.training.comparison.compare import Asked, Compared, compare
from graticule.training.comparison.crown import crown
from graticule.training.comparison.entrants import Entrant
from graticule.training.comparison.measure import Execute, Measured
from graticule.training.comparison.recording import (
    describe,
    done_but_for_mlflow,
    log_files,
    recording,
    short,
)
from graticule.training.examples import Source

EXPERIMENT = "graticule-comparison"
_REMEDY = ": the same command with --overwrite tells it, and measures nothing again"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A comparison, its run in MLflow, and the version that now is champion, if one is."""

    compared: Compared
    run: Run
    champion: Registered | None


def compare_in_mlflow(
    sources: Sequence[Source],
    entrants: Sequence[Entrant],
    out: Path,
    asked: Asked,
    *,
    alias: bool,
    execute: Execute = one_by_one,
    listen: Listener = ignore,
    overwrite: bool = False,
) -> Recorded:
    """Compare, log everything to MLflow, and give the winner the alias ``champion``.

    The run is begun first, so that an MLflow that does not answer is known before the work.
    Where ``threshold`` wins, or nobody, no alias is set, and one that was set stays.

    Args:
        sources: See :func:`graticule.training.comparison.compare.compare`, as for all others.
        entrants: Who takes part.
        out: Local folder.
        asked: How.
        alias: Whether the winner gets the alias.
        execute: Does the entrants' work.
        listen: Told of progress.
        overwrite: Replace a comparison that lies there.

    Raises:
        GraticuleError: As :func:`compare` does, or if MLflow does not answer.
    """
    champions: list[Registered | None] = []

    def log_all(done: Compared) -> None:
        with done_but_for_mlflow(done.out, remedy=_REMEDY):
            runs = _logged(done, run)
            champions.append(_crowned(done, runs) if alias else None)
            if champions[0] is not None:
                run.tags({"champion": champions[0].address})
            run.finish()

    how = {"execute": execute, "listen": listen, "overwrite": overwrite, "then": log_all}
    with recording(EXPERIMENT, out, overwrite=overwrite) as run:
        _describe(run, sources, out, asked)
        done = compare(sources, entrants, out, asked, **how)  # type: ignore[arg-type]
    return Recorded(compared=done, run=run, champion=champions[0])


def _describe(run: Run, sources: Sequence[Source], out: Path, asked: Asked) -> None:
    """Log what is asked for."""
    describe(run, out, rule=asked.rule.text())
    run.params(
        {
            "data": [source.name for source in sources],
            "made": asked.made,
            "polarity": asked.polarity,
            "threads": asked.threads,
            "metric": asked.rule.metric,
            "at_least_images_per_s": asked.rule.least_images_per_s,
        }
    )
    for source in sources:
        run.data(source.name, source.digest(), role="evaluation")


def _logged(done: Compared, run: Run) -> list[Run]:
    """Log figures and files; return the run of each entrant."""
    run.tags({"verdict": done.verdict.text, "rule": done.comparison.rule})
    log_files(run, done.out)
    return [_child(done, place, measured, run) for place, measured in enumerate(done.measured)]


def _child(done: Compared, place: int, measured: Measured, parent: Run) -> Run:
    entrant = measured.entrant
    said = {"network": entrant.network, "weights": entrant.weights, "sha256": measured.sha256}
    child = start(
        EXPERIMENT, entrant.name, params={k: v for k, v in said.items() if v is not None}, parent=parent
    )
    if measured.trouble:
        child.tags({"trouble": measured.trouble})
        child.finish("FAILED")
        return child
    child.artifact(json.dumps(keyless(measured.options), indent=1, default=str).encode(), "options.json")
    child.metrics(0, _figures(done.overall[place]))
    for data in done.comparison.datasets:
        row = data.rows[place]
        child.metrics(0, {f"{short(data.name)}/{name}": value for name, value in _figures(row).items()})
    child.finish()
    return child


def _figures(row: Row) -> dict[str, float]:
    figures = {metric: mean.value for metric, mean in row.means.items()}
    for metric, mean in row.means.items():
        figures |= {f"{metric}_low": mean.low, f"{metric}_high": mean.high}
    figures |= {f"{metric}_minus_threshold": mean.value for metric, mean in row.differences.items()}
    if row.speed is not None:
        figures |= {"images_per_s": row.speed.images_per_s, "pixels_per_s": row.speed.pixels_per_s}
    known = {"memory_bytes": row.memory_bytes, "parameters": row.parameters}
    return figures | {name: float(value) for name, value in known.items() if value is not None}


def _crowned(done: Compared, runs: Sequence[Run]) -> Registered | None:
    winner = done.champion
    if winner is None or winner.weights is None:
        return None
    place = next(n for n, measured in enumerate(done.measured) if measured.entrant is winner)
    scores = {metric: mean.value for metric, mean in done.overall[place].means.items()}
    why = f"{done.comparison.rule} {done.verdict.text}"
    return crown(done.measured[place], runs[place], scores=scores, why=why)
