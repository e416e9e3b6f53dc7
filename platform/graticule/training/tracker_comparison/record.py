"""A comparison of trackers in MLflow: one run, with a run of each tracker in it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from graticule.core.progress import Listener, ignore
from graticule.experiments.runs import Run, start
from graticule.report.trackers import Row
from graticule.training.comparison.apart import one_by_one
from graticule.training.comparison.recording import (
    describe,
    done_but_for_mlflow,
    log_files,
    recording,
    short,
)
from graticule.training.tracker_comparison.compare import Asked, Compared, Execute, compare_trackers
from graticule.training.tracker_comparison.entrants import Entrant

EXPERIMENT = "graticule-tracker-comparison"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A comparison and its run in MLflow."""

    compared: Compared
    run: Run


def compare_in_mlflow(
    entrants: Sequence[Entrant],
    out: Path,
    asked: Asked,
    *,
    execute: Execute = one_by_one,
    listen: Listener = ignore,
    overwrite: bool = False,
) -> Recorded:
    """Compare, and log everything to MLflow.

    The run is begun first, so that an MLflow that does not answer is known before the work.

    Args:
        entrants: Who takes part.
        out: Local folder.
        asked: On what, and how.
        execute: Does the trackers' work.
        listen: Told of progress.
        overwrite: Replace a comparison that lies there.

    Raises:
        GraticuleError: As :func:`compare_trackers` does, or if MLflow does not answer.
    """

    def log_all(done: Compared) -> None:
        with done_but_for_mlflow(done.out):
            _logged(done, run)
            run.finish()

    with recording(EXPERIMENT, out, overwrite=overwrite) as run:
        describe(run, out)
        run.params({**asdict(asked), "trackers": [entrant.name for entrant in entrants]})
        done = compare_trackers(
            entrants, out, asked, execute=execute, listen=listen, overwrite=overwrite, then=log_all
        )
    return Recorded(compared=done, run=run)


def _logged(done: Compared, run: Run) -> None:
    for movie in {each.movie.name: each.movie for each in done.movies}.values():
        run.data(movie.name, movie.digest(), role="evaluation")
    log_files(run, done.out)
    for place in range(len(done.measured)):
        _child(done, place, run)


def _child(done: Compared, place: int, parent: Run) -> None:
    measured = done.measured[place]
    entrant = measured.entrant
    params = {"tracker": entrant.tracker, **entrant.pinned}
    child = start(EXPERIMENT, entrant.name, params=params, parent=parent)
    if measured.trouble:
        child.tags({"trouble": measured.trouble})
        child.finish("FAILED")
        return
    for group in done.comparison.groups:
        prefix = f"{short(group.data)}/{group.segmentation}"
        figures = _figures(group.rows[place])
        child.metrics(0, {f"{prefix}/{name}": value for name, value in figures.items()})
    movies = [
        {"movie": movie.movie.name, "segmentation": movie.segmentation, **asdict(scores)}
        for movie, scores in zip(done.movies, measured.scores, strict=True)
    ]
    child.artifact(json.dumps(movies, indent=1).encode(), "movies.json")
    child.finish()


def _figures(row: Row) -> dict[str, float]:
    figures: dict[str, float] = {}
    for metric, mean in row.means.items():
        figures |= {metric: mean.value, f"{metric}_low": mean.low, f"{metric}_high": mean.high}
    figures |= {f"{metric}_minus_baseline": mean.value for metric, mean in row.differences.items()}
    known = {"frames_per_s": row.frames_per_s, "memory_bytes": row.memory_bytes}
    return figures | {name: float(value) for name, value in known.items() if value is not None}
