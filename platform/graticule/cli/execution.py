"""How a command runs its stages: on Ray, with a bar per step."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from graticule.cli.progress import progress_bars
from graticule.core import ray_metrics
from graticule.core.errors import GraticuleError
from graticule.core.progress import Listener
from graticule.pipeline.step import Executor, Step, Timing


@contextmanager
def execution(workers: int | None) -> Iterator[dict[str, Any]]:
    """Yield ``execute`` and ``listener`` for the stages of one or more movies.

    Ray is found or started when the first step has work, so that a mistake in what was
    asked for, or a finished experiment, costs no start; it ends with the block.
    """
    with ExitStack() as until_end, progress_bars() as listener:
        yield {"execute": _on_ray(workers, until_end), "listener": listener}


def count_movie(outcome: str) -> None:
    """Count a movie for Prometheus, as ``done`` or ``failed``, where this command works on a cluster."""
    if not ray_metrics.collected_elsewhere():
        return
    from graticule.pipeline.measures import count_movie as count
    from graticule.pipeline.session import ray_session

    with suppress(GraticuleError), ray_session():
        count(outcome)


def _on_ray(workers: int | None, until_end: ExitStack) -> Executor:
    def execute(step: Step, listener: Listener) -> list[Timing]:
        from graticule.pipeline.on_ray import RunOnRay
        from graticule.pipeline.session import ray_session

        until_end.enter_context(ray_session(workers=workers))
        return RunOnRay(workers=workers)(step, listener)

    return execute
