"""What a training run tells its listeners: bars, logs, MLflow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class StepDone:
    """One step of the optimizer.

    Attributes:
        step: From 1, over all epochs; ``steps`` is how many there will be.
        loss: Mean over the step's slots and all workers.
        parts: Parts of the loss by name, likewise.
        learning_rate: That this step was made with.
        gradient_norm: Before it was clipped.
        images_per_second: Of this step, all workers together.
        skipped: Whether loss or gradient was not finite, and the step left out.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    parts: Mapping[str, float]
    learning_rate: float
    gradient_norm: float
    images_per_second: float
    skipped: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochDone:
    """One epoch, validated.

    Attributes:
        epoch: From 1.
        step: Steps made so far.
        losses: Means of the epoch by name; ``loss`` is the whole.
        metrics: Of the averaged weights on images held out; empty without any.
        best: Whether they are the best so far.
        seconds: Since the run began, earlier sessions included.
    """

    epoch: int
    epochs: int
    step: int
    losses: Mapping[str, float]
    metrics: Mapping[str, float]
    best: bool
    seconds: float


TrainingEvent = StepDone | EpochDone
TrainingListener = Callable[[TrainingEvent], None]
