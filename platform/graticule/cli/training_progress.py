"""Progress of a training: a bar per network on a terminal, a line per epoch elsewhere."""

import logging
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from graticule.training.events import EpochDone
    from graticule.training.job import Job
    from graticule.training.observer import Observe, Observer

log = logging.getLogger(__name__)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        rate = task.finished_speed or task.speed
        return Text("" if rate is None else f"{rate * task.fields['batch']:.1f} img/s", no_wrap=True)


@contextmanager
def training_bars() -> Iterator["Observe"]:
    """Yield what watches the training of each network."""
    if not sys.stderr.isatty():
        yield _lines
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),
        TextColumn("{task.fields[epoch]}/{task.fields[epochs]}"),
        TextColumn("loss {task.fields[loss]}"),
        TextColumn("score {task.fields[score]}"),
        _Rate(),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
    )
    written = sys.stderr
    bars = Progress(*columns, console=Console(stderr=True), speed_estimate_period=120)
    with bars, _logging_to_bars(instead_of=written):
        yield lambda job: _bar(bars, job)


@contextmanager
def _logging_to_bars(*, instead_of: TextIO) -> Iterator[None]:
    """Send log lines to what the bars have put in place of stderr: so they stand above them."""
    handlers = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream is instead_of
    ]
    for handler in handlers:
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        for handler in handlers:
            handler.setStream(instead_of)


def _bar(bars: Progress, job: "Job") -> AbstractContextManager["Observer"]:
    from graticule.training.events import EpochDone, TrainingEvent
    from graticule.training.observer import Observer
    from graticule.training.result import Finished

    class Bar(Observer):
        task = None

        def listen(self, event: TrainingEvent) -> None:
            if self.task is None:
                self.task = bars.add_task(
                    job.recipe.network,
                    total=job.recipe.epochs * job.recipe.steps,
                    completed=event.step - 1,  # a resumed training does not begin at 0
                    batch=job.recipe.batch,
                    epoch=event.epoch,
                    epochs=job.recipe.epochs,
                    loss="-",
                    score="-",
                )
            if isinstance(event, EpochDone):
                if "score" in event.metrics:
                    bars.update(self.task, score=f"{event.metrics['score']:.3f}")
            else:
                bars.update(self.task, completed=event.step, epoch=event.epoch, loss=f"{event.loss:.4g}")

        def finish(self, finished: Finished) -> None:
            """The bar stays as it is."""

    return _entered(Bar())


def _lines(job: "Job") -> AbstractContextManager["Observer"]:
    from graticule.training.events import EpochDone, TrainingEvent
    from graticule.training.observer import Observer
    from graticule.training.result import Finished

    class Lines(Observer):
        def listen(self, event: TrainingEvent) -> None:
            if isinstance(event, EpochDone):
                log.info("%s: %s", job.recipe.network, _said(event, job.recipe.batch))

        def finish(self, finished: Finished) -> None:
            """The command says where the result lies."""

    return _entered(Lines())


def _said(event: "EpochDone", batch: int) -> str:
    score = f", score {event.metrics['score']:.4f}{' (best)' if event.best else ''}" if event.metrics else ""
    rate = event.step * batch / max(event.seconds, 1e-9)
    left = event.seconds / event.epoch * (event.epochs - event.epoch)
    return (
        f"epoch {event.epoch}/{event.epochs}, loss {event.losses.get('loss', float('nan')):.4g}{score},"
        f" {rate:.1f} images/s, {_clock(event.seconds)} gone, {_clock(left)} left"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


@contextmanager
def _entered(observer: "Observer") -> Iterator["Observer"]:
    yield observer
