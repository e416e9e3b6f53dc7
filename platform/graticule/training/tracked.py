"""A training that is logged to MLflow, and registers the weights that it ends with.

Killed and begun again, it goes on in the same run. MLflow away for a while does not end a
training: what was to be logged waits.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from math import ceil
from typing import Any

from graticule.experiments.models import Registered
from graticule.experiments.patient import Patient
from graticule.experiments.runs import Run, Status
from graticule.storage.place import Place
from graticule.training.events import EpochDone, StepDone, TrainingEvent
from graticule.training.job import Job
from graticule.training.logged_run import begin, begun_before, is_registered
from graticule.training.observer import Observe, Observer
from graticule.training.registering import (
    FILES,
    LOSS,
    copy,
    history,
    nothing_lost,
    of_epoch,
    register_finished,
    registered_as,
)
from graticule.training.result import METRICS, Finished

log = logging.getLogger(__name__)

MOST_STEPS = 1000
"""Steps whose loss is logged, evenly over a training; epochs are logged all."""
_STEP = "step/loss"


def tracked(settings: Mapping[str, Any]) -> Observe:
    """Return an observer that logs a job to MLflow and registers what it gives.

    Args:
        settings: What the user asked for, as JSON can say it.

    Raises:
        ConfigError: On entering, if MLflow does not answer: before hours of work. In the end, if the
            weights cannot be registered; they lie on disk, and the message says what to do later.
    """

    @contextmanager
    def observe(job: Job) -> Iterator[Observer]:
        if Place.at(job.out).is_file(METRICS):
            yield Later()
            return
        before = begun_before(Place.at(job.out))
        observer = Tracked(before or begin(job, settings), goes_on=before is not None)
        try:
            yield observer
        except BaseException as error:
            observer.close("FAILED" if isinstance(error, Exception) else "KILLED")
            raise
        observer.close("FINISHED")

    return observe


class Tracked(Observer):
    """Logs losses by step (some) and by epoch (all), the result's files, and registers the weights.

    Args:
        run: Where to.
        goes_on: Whether the run may have steps of an earlier session; these are not logged again.
    """

    def __init__(self, run: Run, *, goes_on: bool = False) -> None:
        self.run, self.patient = run, Patient(run)
        self.registered: Registered | None = None
        self._epochs = set(run.steps(LOSS)) if goes_on else set()
        self._last_step = max(run.steps(_STEP), default=0) if goes_on else 0

    def listen(self, event: TrainingEvent) -> None:
        """Log a step or an epoch; waits for nobody."""
        if isinstance(event, EpochDone):
            self._epoch(event)
        elif event.step > self._last_step and event.step % ceil(event.steps / MOST_STEPS) == 0:
            self._last_step = event.step
            self.patient.do(partial(Run.metrics, step=event.step, values=_of_step(event)))

    def finish(self, finished: Finished) -> None:
        """Log the result's files and register the weights.

        Raises:
            ConfigError: If MLflow does not answer; says how to register later.
        """
        place = Place.at(finished.folder)
        for epoch in history(place):
            self._epoch(epoch)
        for name in FILES:
            self.patient.do(partial(copy, place=place, name=name))
        with nothing_lost(finished.folder):
            self.patient.catch_up(raising=True)
            self.registered = registered_as(self.run, finished)
        log.info("registered: models:/%s/%d", self.registered.name, self.registered.version)

    def close(self, status: Status) -> None:
        """Close the run; says so if something could not be logged."""
        self.patient.do(partial(Run.finish, status=status))
        if not self.patient.catch_up() or self.patient.lost:
            left = self.patient.waiting + self.patient.lost
            log.warning("%d entries of the log could not be sent to MLflow, run %s", left, self.run.run_id)

    def _epoch(self, event: EpochDone) -> None:
        if event.epoch not in self._epochs:
            self._epochs.add(event.epoch)
            self.patient.do(partial(Run.metrics, step=event.epoch, values=of_epoch(event)))


class Later(Observer):
    """Tells MLflow of a result that was there before, if it does not know yet."""

    def listen(self, event: TrainingEvent) -> None:
        """There is nothing to hear: the training is done."""

    def finish(self, finished: Finished) -> None:
        """Log and register what was not.

        Raises:
            ConfigError: If MLflow does not answer.
        """
        if is_registered(Place.at(finished.folder)):
            return
        with nothing_lost(finished.folder):
            entry = register_finished(finished.folder)
        log.info("registered: models:/%s/%d", entry.name, entry.version)


def _of_step(event: StepDone) -> dict[str, float]:
    return {
        _STEP: event.loss,
        "step/learning_rate": event.learning_rate,
        "step/gradient_norm": event.gradient_norm,
        "step/images_per_second": event.images_per_second,
    }
