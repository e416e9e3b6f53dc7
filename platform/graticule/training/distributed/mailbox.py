"""From the first worker to the driver's listeners: nothing lost, nothing told twice.

An actor keeps the letters until the driver takes them. It lives on the driver's node and ends
with it; a worker that is not wanted any more learns it by the answer to its next letter.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from graticule.core.errors import GraticuleError
from graticule.training.events import EpochDone, StepDone, TrainingListener

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resumed:
    """A group of workers began, with these epochs behind it."""

    epochs: tuple[EpochDone, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """A worker is ready: which one, and on what hardware."""

    rank: int
    hardware: str


Letter = Joined | Resumed | StepDone | EpochDone | GraticuleError


class NotWanted(Exception):  # noqa: N818 - nothing is wrong
    """The driver listens no more."""


class _Mailbox:
    def __init__(self) -> None:
        self._letters: list[Letter] = []
        self._open = True

    def put(self, letter: Letter | None) -> bool:
        if letter is not None:
            self._letters.append(letter)
        return self._open

    def take(self) -> list[Letter]:
        letters, self._letters = self._letters, []
        return letters

    def close(self) -> None:
        self._open = False


class Mailbox:
    """The driver's end; :meth:`slot` gives the worker's, which can be pickled."""

    def __init__(self) -> None:
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        actor: Any = ray.remote(_Mailbox)
        self._actor = actor.options(num_cpus=0, scheduling_strategy=here).remote()

    def slot(self) -> "Slot":
        """Return what a worker puts letters in by."""
        return Slot(self._actor)

    def take(self) -> list[Letter]:
        """Return the letters that came since the last time."""
        letters: list[Letter] = ray.get(self._actor.take.remote())
        return letters

    def close(self) -> None:
        """Tell the workers that nobody listens."""
        ray.get(self._actor.close.remote())

    def remove(self) -> None:
        """End the actor."""
        ray.kill(self._actor)


class Slot:
    """The worker's end."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._sent: Any = None

    def wanted(self) -> bool:
        """Tell whether the driver still listens."""
        return bool(ray.get(self._actor.put.remote(None)))

    def put(self, letter: Letter) -> None:
        """Post a letter; all but a step are waited for until they have come.

        Raises:
            NotWanted: If the driver listens no more.
        """
        answers = [self._sent] if self._sent is not None else []
        self._sent = self._actor.put.remote(letter)
        if not isinstance(letter, StepDone):
            answers.append(self._sent)
        if not all(ray.get(answers)):
            raise NotWanted


class Once:
    """Tells a listener each event once and in order, whatever replaced workers do again.

    Attributes:
        machines: Of each worker by its rank, the hardware that it was last seen on.
    """

    def __init__(self, listen: TrainingListener | None) -> None:
        self._listen = listen or (lambda event: None)
        self.machines: dict[int, str] = {}
        self._step = self._epoch = 0
        self._begun = False

    def __call__(self, letter: Letter) -> None:
        """Take in a letter.

        Raises:
            GraticuleError: The letter, if it is one.
        """
        if isinstance(letter, GraticuleError):
            raise letter
        if isinstance(letter, Joined):
            self.machines[letter.rank] = letter.hardware
        elif isinstance(letter, Resumed):
            self._resume(letter.epochs)
        elif isinstance(letter, EpochDone):
            self._tell_epoch(letter)
        elif letter.step > self._step:
            self._step = letter.step
            self._listen(letter)

    def _resume(self, epochs: Sequence[EpochDone]) -> None:
        """Epochs that lie behind the first group were told by an earlier driver."""
        if self._begun:
            log.warning("a worker was lost; training goes on after epoch %d", len(epochs))
            for epoch in epochs:
                self._tell_epoch(epoch)
        else:
            self._epoch, self._begun = len(epochs), True

    def _tell_epoch(self, epoch: EpochDone) -> None:
        if epoch.epoch > self._epoch:
            self._epoch = epoch.epoch
            self._listen(epoch)


def report_error(slot: Slot, error: GraticuleError) -> None:
    """Post an error that a user can mend; a driver that is gone is no error."""
    try:
        slot.put(error)
    except (NotWanted, RayError):
        log.debug("nobody hears of: %s", error)
