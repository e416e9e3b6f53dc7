"""A stage of the pipeline: named, digested, resumable, replaceable."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from graticule.core.errors import ExperimentError
from graticule.core.keyless import keyless
from graticule.core.progress import Listener
from graticule.experiments.provenance import what_ran
from graticule.pipeline.step import Executor, Step, Timing
from graticule.storage.experiment import Experiment
from graticule.storage.run import Run

log = logging.getLogger(__name__)

Summary = dict[str, Any]

PRODUCTS: dict[str, tuple[str, ...]] = {
    "ingest": (),
    "segment": ("labels/instances",),
    "link": ("labels/tracks", "tables", "tracks.geff"),
    "report": ("report",),
}
"""Stages in their order, and what each leaves in the experiment that can be made anew."""


class Stage(ABC):
    """One arrow of the data's way; ``name`` is one of :data:`PRODUCTS`.

    ``identity`` digests input and configuration, those of the stages before included.
    """

    name: str
    identity: str

    @property
    def run_id(self) -> str:
        """Name of this stage's folder in ``runs``."""
        return f"{self.name}-{self.identity}"

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return what is saved as the run's configuration."""

    @abstractmethod
    def work(self, experiment: Experiment, run: Run, execute: Executor, listener: Listener) -> Summary:
        """Do all that is not yet marked as done; return figures worth keeping."""

    def tidy(self, run: Run) -> None:  # noqa: B027 - most stages leave nothing to tidy
        """Forget, after the end, what only an unfinished run needs."""


def run_stages(
    experiment: Experiment,
    stages: Sequence[Stage],
    *,
    execute: Executor,
    listener: Listener,
    overwrite: bool = False,
) -> bool:
    """Bring ``stages`` to their end, in order; return whether there was anything to do.

    Finished stages are left alone, unfinished ones resumed. One of another configuration that
    ended before its first item holds nothing to lose, and gives way.

    Raises:
        ExperimentError: If the experiment holds the result of another configuration,
            unless ``overwrite``.
    """
    for stage in stages:
        if others := _others(experiment, stage):
            if not overwrite and not all(_is_barren(experiment.run(run_id)) for run_id in others):
                raise ExperimentError(_differs(experiment, stage))
            _discard(experiment, stage.name)
            break
    todo = [stage for stage in stages if not experiment.run(stage.run_id).finished]
    for stage in todo:
        _finish(experiment, stage, execute, listener)
    return bool(todo)


def _others(experiment: Experiment, stage: Stage) -> list[str]:
    return [
        run_id
        for run_id in experiment.runs()
        if run_id.startswith(f"{stage.name}-") and run_id != stage.run_id
    ]


def _is_barren(run: Run) -> bool:
    return not run.finished and not run.marked()


def _differs(experiment: Experiment, stage: Stage) -> str:
    old = experiment.run(_others(experiment, stage)[0]).config or {}
    new = keyless(stage.config())
    changed = [
        f"{key} was {old.get(key)!r}, now {new.get(key)!r}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]
    return (
        f"{experiment.root} holds the {stage.name} result of another input or configuration"
        f" ({'; '.join(changed) or 'an earlier stage differs'}); choose another --out, or add --overwrite"
    )


def _discard(experiment: Experiment, first: str) -> None:
    """Delete the results of a stage and of all that build on it."""
    order = list(PRODUCTS)
    gone = order[order.index(first) :]
    runs = [run_id for run_id in experiment.runs() if run_id.rpartition("-")[0] in gone]
    # Runs go first: an interruption then leaves pixels without a marker, not the reverse.
    experiment.remove(*(f"runs/{run_id}" for run_id in runs))
    experiment.remove(*(product for name in gone for product in PRODUCTS[name]))


def _finish(experiment: Experiment, stage: Stage, execute: Executor, listener: Listener) -> None:
    run = experiment.run(stage.run_id)
    run.start(stage.config(), what_ran())
    start = time.perf_counter()
    timings: list[Timing] = []
    summary = stage.work(experiment, run, _noting(execute, timings), listener)
    seconds = time.perf_counter() - start
    run.finish({**summary, "seconds": round(seconds, 3), "steps": _by_step(timings)})
    stage.tidy(run)
    counts = ", ".join(f"{value} {name}" for name, value in summary.items() if isinstance(value, int))
    log.info("%s done in %.1f s%s", stage.name, seconds, f": {counts}" if counts else "")


def _noting(execute: Executor, timings: list[Timing]) -> Executor:
    def noting(step: Step, listener: Listener) -> list[Timing]:
        done = execute(step, listener)
        timings.extend(done)
        return done

    return noting


def _by_step(timings: Sequence[Timing]) -> dict[str, Summary]:
    """Return what each step took; what an interrupted run had done before is not in it."""
    steps: dict[str, list[Timing]] = {}
    for timing in timings:
        steps.setdefault(timing.step, []).append(timing)
    return {name: _figures(done) for name, done in steps.items()}


def _figures(done: Sequence[Timing]) -> Summary:
    return {
        "items": len(done),
        "frames": sum(timing.frames for timing in done),
        "workers": len({timing.worker for timing in done}),
        "seconds": round(max(t.ended for t in done) - min(t.began for t in done), 3),
        "busy_seconds": round(sum(timing.ended - timing.began for timing in done), 3),
    }
