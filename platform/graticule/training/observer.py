"""Who watches a network being trained: a bar, MLflow."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager

from graticule.training.events import TrainingEvent
from graticule.training.job import Job
from graticule.training.result import Finished


class Observer(ABC):
    """Told of one network's training, in the process that started it."""

    @abstractmethod
    def listen(self, event: TrainingEvent) -> None:
        """Hear of a step or an epoch."""

    @abstractmethod
    def finish(self, finished: Finished) -> None:
        """Hear that the result lies on disk, or lay there before (``finished.worked`` is false).

        Not called where the training failed.
        """


Observe = Callable[[Job], AbstractContextManager[Observer]]
"""A job -> an observer, for as long as the job runs; an error that ends it passes through."""
