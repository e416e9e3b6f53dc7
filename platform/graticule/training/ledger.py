"""What a training run remembers of its steps and epochs, and its best weights."""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from math import isnan
from typing import Any

from torch import Tensor, nn

from graticule.training.events import EpochDone, StepDone
from graticule.training.recipe import Recipe
from graticule.training.stepper import Step

SCORE = "score"
"""The metric of a validation by which weights are better than others."""


class Ledger:
    """Counts steps and epochs, and keeps the weights of the best one."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.epoch = self.step_of_epoch = self.stale = 0
        self.history: list[EpochDone] = []
        self.best: dict[str, Tensor] | None = None
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._good = 0
        self._begun = time.monotonic()

    @property
    def step(self) -> int:
        """Steps made so far."""
        return self.epoch * self.recipe.steps + self.step_of_epoch

    @property
    def is_over(self) -> bool:
        """Whether all epochs are made, or no better one is to be expected."""
        return self.epoch >= self.recipe.epochs or self.is_stale

    @property
    def is_stale(self) -> bool:
        """Whether the metric has not become better for the recipe's patience."""
        return self.recipe.patience is not None and self.stale >= self.recipe.patience

    @property
    def seconds(self) -> float:
        """Since the run began, earlier sessions included."""
        return time.monotonic() - self._begun

    def count(self, step: Step) -> StepDone:
        """Take in a step."""
        self.step_of_epoch += 1
        if not step.skipped:
            self._good += 1
            for name, value in {**step.parts, "loss": step.loss}.items():
                self._sums[name] += value
        return StepDone(
            step=self.step,
            steps=self.recipe.epochs * self.recipe.steps,
            epoch=self.epoch + 1,
            loss=step.loss,
            parts=step.parts,
            learning_rate=step.learning_rate,
            gradient_norm=step.gradient_norm,
            images_per_second=self.recipe.batch / max(step.seconds, 1e-9),
            skipped=step.skipped,
        )

    def close_epoch(self, metrics: Mapping[str, float], averaged: nn.Module) -> EpochDone:
        """Take in the metrics of the averaged weights; without any, the last weights are the best."""
        better = self.best is None or SCORE not in metrics or metrics[SCORE] > self._best_score()
        self.stale = 0 if better else self.stale + 1
        if better:
            self.best = {k: v.detach().cpu().clone() for k, v in averaged.state_dict().items()}
        done = EpochDone(
            epoch=self.epoch + 1,
            epochs=self.recipe.epochs,
            step=self.step,
            losses={name: value / self._good for name, value in self._sums.items()},
            metrics=dict(metrics),
            best=better,
            seconds=self.seconds,
        )
        self.epoch, self.step_of_epoch, self._good = self.epoch + 1, 0, 0
        self._sums.clear()
        self.history.append(done)
        return done

    def _best_score(self) -> float:
        scores = [past.metrics[SCORE] for past in self.history if SCORE in past.metrics]
        return max((score for score in scores if not isnan(score)), default=float("-inf"))

    def state(self) -> dict[str, Any]:
        """Return all of it, as :class:`graticule.training.stores.Store` keeps it."""
        return {
            "epoch": self.epoch,
            "step_of_epoch": self.step_of_epoch,
            "stale": self.stale,
            "history": [asdict(epoch) for epoch in self.history],
            "best": self.best,
            "sums": dict(self._sums),
            "good": self._good,
            "seconds": self.seconds,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.epoch, self.step_of_epoch = state["epoch"], state["step_of_epoch"]
        self.stale, self._good = state["stale"], state["good"]
        self.history = [EpochDone(**epoch) for epoch in state["history"]]
        self.best = state["best"]
        self._sums = defaultdict(float, state["sums"])
        self._begun = time.monotonic() - state["seconds"]
