"""One step of training: the slots forward and back, then the optimizer, or nothing at all."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from graticule.core.errors import ConfigError
from graticule.models.learned.device import resolve_dtype
from graticule.training.average import MovingAverage
from graticule.training.batch import AnyBatch
from graticule.training.learner import Learner
from graticule.training.recipe import Recipe
from graticule.training.schedule import learning_rate
from graticule.training.world import World

MOST_SKIPPED = 20
"""Steps in a row that may be left out since loss or gradient was not finite."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What came of a step; fields are those of :class:`graticule.training.events.StepDone`."""

    loss: float
    parts: Mapping[str, float]
    learning_rate: float
    gradient_norm: float
    seconds: float
    skipped: bool


class Stepper:
    """Everything that a step changes: weights, their average, and what the optimizer remembers.

    Raises:
        ConfigError: If the slots of a step cannot be shared evenly by the workers.
    """

    def __init__(self, learner: Learner, recipe: Recipe, world: World, device: torch.device) -> None:
        if recipe.slots % world.size:
            raise ConfigError(
                f"{recipe.slots} slots of a step cannot be shared by {world.size} workers;"
                f" give a recipe with a multiple of {world.size} slots"
            )
        self.recipe, self.world, self.device = recipe, world, device
        self.learner = learner.to(device).train()
        self.average = MovingAverage(learner.network, decay=recipe.ema)
        self.module = world.wrap(self.learner)
        self.trained = [p for p in self.learner.parameters() if p.requires_grad]
        self.optimizer = _optimizer(self.trained, recipe)
        self.dtype = resolve_dtype(recipe.precision, device)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype == torch.float16)
        self.skipped_in_row = 0

    def step(self, number: int, slots: Sequence[AnyBatch]) -> Step:
        """Learn from this worker's slots of a step; a step that is not finite changes nothing.

        Args:
            number: Of the step, from 0, over all epochs.
            slots: Of this worker.

        Raises:
            ConfigError: If more than :data:`MOST_SKIPPED` steps in a row were not finite.
        """
        began = time.monotonic()
        rate = self._set_learning_rate(number)
        self.optimizer.zero_grad(set_to_none=True)
        before = [buffer.clone() for buffer in self._buffers()]
        means, changes = self._gradients(number, slots, before)
        norm = self._norm()
        good = isfinite(means["loss"]) and isfinite(norm)
        self._update(good, number)
        self._set_buffers(before, changes if good else None)
        if good:
            self.average.update(self.learner.network)
        return Step(
            loss=means.pop("loss"),
            parts=means,
            learning_rate=rate,
            gradient_norm=norm,
            seconds=time.monotonic() - began,
            skipped=not good,
        )

    def state(self) -> dict[str, Any]:
        """Return all that the next step depends on."""
        return {
            "learner": self.learner.state_dict(),
            "average": self.average.network.state_dict(),
            "averaged": self.average.steps,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "skipped_in_row": self.skipped_in_row,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.learner.load_state_dict(state["learner"])
        self.average.network.load_state_dict(state["average"])
        self.average.steps = state["averaged"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.skipped_in_row = state["skipped_in_row"]

    # -- forward and back ------------------------------------------------------------------

    def _gradients(
        self, number: int, slots: Sequence[AnyBatch], before: list[Tensor]
    ) -> tuple[dict[str, float], list[Tensor]]:
        """Gather gradients; return the losses over all workers, and how the slots changed the buffers."""
        changes = [torch.zeros_like(buffer) for buffer in before]
        sums: defaultdict[str, Tensor] = defaultdict(lambda: torch.zeros((), device=self.device))
        for index, slot in enumerate(slots):
            self._set_buffers(before, None)
            with self._quiet_until(index, len(slots)):
                for name, value in self._slot(number, index, slot, len(slots)).items():
                    sums[name] += value / len(slots)
            for change, buffer, start in zip(changes, self._buffers(), before, strict=True):
                change += buffer - start
        return self._shared(sums), [_mean(change, len(slots)) for change in changes]

    def _slot(self, number: int, index: int, slot: AnyBatch, count: int) -> dict[str, Tensor]:
        """Run one slot forward and back; return its loss and parts."""
        place = index * self.world.size + self.world.rank
        seed = np.random.SeedSequence([self.recipe.seed, number, place]).generate_state(1, np.uint64)
        torch.manual_seed(int(seed[0] >> 1))
        half = self.dtype != torch.float32
        with torch.autocast(self.device.type, self.dtype if half else None, enabled=half):
            loss, parts = self.module(slot.to(self.device))
        self.scaler.scale(loss / count).backward()
        named = {name: value.detach().float() for name, value in parts.items()}
        return {**named, "loss": loss.detach().float()}

    def _quiet_until(self, index: int, count: int) -> AbstractContextManager[None]:
        return self.world.silent(self.module) if index < count - 1 else nullcontext()

    def _shared(self, parts: Mapping[str, Tensor]) -> dict[str, float]:
        names = sorted(parts)
        values = torch.stack([parts[name] for name in names])
        self.world.average([values])
        return dict(zip(names, values.tolist(), strict=True))

    # -- the update ------------------------------------------------------------------------

    def _norm(self) -> float:
        self.scaler.unscale_(self.optimizer)
        return float(nn.utils.clip_grad_norm_(self.trained, self.recipe.clip))

    def _update(self, good: bool, number: int) -> None:
        self.skipped_in_row = 0 if good else self.skipped_in_row + 1
        if self.skipped_in_row > MOST_SKIPPED:
            raise ConfigError(
                f"loss or gradient was not finite in {self.skipped_in_row} steps in a row, up to step"
                f" {number + 1}; take a smaller learning_rate than {self.recipe.learning_rate:g}, or"
                " precision float32"
            )
        if good:
            self.scaler.step(self.optimizer)
        self.scaler.update()

    def _set_learning_rate(self, number: int) -> float:
        recipe = self.recipe
        rate = learning_rate(
            number,
            steps=recipe.epochs * recipe.steps,
            peak=recipe.learning_rate,
            warmup=recipe.warmup,
            final=recipe.final_rate,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    # -- batch statistics ------------------------------------------------------------------

    def _buffers(self) -> list[Tensor]:
        return [buffer for buffer in self.learner.buffers() if buffer.dtype != torch.bool]

    @torch.no_grad()
    def _set_buffers(self, before: list[Tensor], changes: list[Tensor] | None) -> None:
        """Put buffers back, or on by the mean change over all slots of all workers."""
        if changes is not None:
            self.world.average([change for change in changes if change.is_floating_point()])
            before = [start + change for start, change in zip(before, changes, strict=True)]
        for buffer, value in zip(self._buffers(), before, strict=True):
            buffer.copy_(value)


def _mean(total: Tensor, count: int) -> Tensor:
    return total / count if total.is_floating_point() else total // count


def _optimizer(trained: Sequence[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """Return AdamW over what is trained; only matrices and kernels decay."""
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=recipe.learning_rate)
