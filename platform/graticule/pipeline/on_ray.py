"""Run a step as a Ray Data pipeline whose rows are the coordinates of its items.

Pixels never pass through the object store: a worker gets an item's coordinates, reads
and writes the experiment itself, and answers with a small row. Errors that a user can
mend come back as rows, so that the driver says them in one line.
"""

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import ray
import ray.data
from ray import cloudpickle  # noqa: TID251 - of items between processes
from ray.exceptions import RayError

from graticule.core.errors import ConfigError, GraticuleError, InputError, PipelineError, StorageError
from graticule.core.progress import Listener
from graticule.pipeline.measures import counted
from graticule.pipeline.pool import pool_of
from graticule.pipeline.process import handed_on, one_thread, take
from graticule.pipeline.step import Step, Tally, Timing

log = logging.getLogger(__name__)

MOST_BLOCKS = 2000
"""Blocks cost the driver some 10 ms each; beyond this many items a block holds several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOnRay:
    """Executor on the connected Ray cluster, with ``workers`` processes (default: one per CPU)."""

    workers: int | None = None

    def __call__(self, step: Step, listener: Listener) -> list[Timing]:
        """Perform the unfinished items of ``step`` and tell ``listener``.

        Raises:
            GraticuleError: The first error of a worker that a user can mend.
            PipelineError: Any other failure.
        """
        todo = step.unfinished()
        tally = Tally(step, todo, listener)
        with counted(step, todo) as count:
            for timing in self._timings(step, todo):
                count(timing)
                tally.add(timing)
        return tally.timings

    def _timings(self, step: Step, todo: list[Any]) -> Iterator[Timing]:
        try:
            for row in self._rows(step, todo):
                if row["error"]:
                    raise _ERRORS[row["kind"]](row["error"])
                yield Timing(**{name: row[name] for name in Timing.__slots__})
        except RayError as error:
            log.debug("step %s failed", step.name, exc_info=True)
            raise PipelineError(f"{step.name}: {_last_line(error)}") from error

    def _rows(self, step: Step, todo: list[Any]) -> Iterator[dict[str, Any]]:
        if not todo:
            return
        cluster = ray.cluster_resources()  # type: ignore[no-untyped-call]
        pool = pool_of(step, cluster, workers=self.workers, items=len(todo))
        _quiet()
        # A row carries its own item, the step none: a task unpickles what it does, not all there is.
        step = replace(step, items=())
        rows: Any = ray.data.from_items(
            [{"item": cloudpickle.dumps(item)} for item in todo],  # type: ignore[no-untyped-call]
            override_num_blocks=min(len(todo), MOST_BLOCKS),
        )
        given = handed_on()
        if step.keeps_state:
            actors = ray.data.ActorPoolStrategy(size=pool.size)
            done = rows.map(_Worker, fn_constructor_args=(step, given), compute=actors, **pool.share)
        else:
            tasks = ray.data.TaskPoolStrategy(size=pool.size)
            done = rows.map(_perform, fn_args=(step, given), compute=tasks, **pool.share)
        for batch in done.iter_batches(batch_size=None, prefetch_batches=0, batch_format="pyarrow"):
            yield from batch.to_pylist()


class _Worker:
    """Holds the step in one actor; whatever its work builds (a model) is built once."""

    def __init__(self, step: Step, environment: dict[str, str]) -> None:
        self._step, self._environment = step, environment

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return _attempt(self._step, cloudpickle.loads(row["item"]), self._environment)


def _perform(row: dict[str, Any], step: Step, environment: dict[str, str]) -> dict[str, Any]:
    return _attempt(step, cloudpickle.loads(row["item"]), environment)


def _attempt(step: Step, item: Any, environment: dict[str, str]) -> dict[str, Any]:
    take(environment)
    try:
        step.warm()
        one_thread()
        return {**asdict(step.perform(item)), "error": "", "kind": ""}
    except GraticuleError as error:
        nothing = Timing(step=step.name, worker="", frames=0, began=0.0, ended=0.0)
        return {**asdict(nothing), "error": str(error), "kind": _kind(error)}


_ERRORS: dict[str, type[GraticuleError]] = {
    kind.__name__: kind for kind in (InputError, StorageError, ConfigError, GraticuleError)
}


def _kind(error: GraticuleError) -> str:
    return next(name for name, kind in _ERRORS.items() if isinstance(error, kind))


def _last_line(error: BaseException) -> str:
    # What follows this line is Ray's own advice, chained to the worker's error.
    own = str(error).partition("The above exception was the direct cause")[0]
    lines = [line.strip() for line in own.splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _quiet() -> None:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
