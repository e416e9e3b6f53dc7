"""The training loop, in plain torch; it runs alone or as one of several workers.

What is learnt depends on recipe and data alone: each slot of each step has its own seed, starts
from the same batch statistics, and counts the same. So a run that was killed goes on as if it
had not been, and two workers learn what one learns from the same slots.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from graticule.core.errors import ConfigError
from graticule.models.learned.device import resolve_dtype
from graticule.training.average import MovingAverage
from graticule.training.batch import Batch
from graticule.training.events import EpochDone, StepDone, TrainingListener
from graticule.training.learner import Learner
from graticule.training.recipe import Recipe
from graticule.training.schedule import learning_rate
from graticule.training.stores import Nowhere, State, Store
from graticule.training.world import Alone, World

SCORE = "score"
"""The metric of a validation by which weights are better than others."""
MOST_SKIPPED = 20
"""Steps in a row that may be left out since loss or gradient was not finite."""
SAVE_SECONDS = 120.0

Feed = Callable[[int, int], Iterator[Sequence[Batch]]]
"""(epoch, steps of it to leave out) -> for each further step, this worker's slots."""
Validate = Callable[[nn.Module], Mapping[str, float]]
"""A network in evaluation mode -> its metrics on images held out, :data:`SCORE` among them."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a run ended with: the best averaged weights, and how it came there."""

    network: nn.Module
    best_epoch: int
    metrics: Mapping[str, float]
    history: tuple[EpochDone, ...]
    stopped_early: bool


def fit(
    learner: Learner,
    feed: Feed,
    recipe: Recipe,
    *,
    validate: Validate | None = None,
    identity: str = "",
    store: Store | None = None,
    world: World | None = None,
    device: torch.device | str = "cpu",
    listen: TrainingListener | None = None,
    save_every: int | None = None,
) -> Trained:
    """Train a network as ``recipe`` says; goes on from what ``store`` has.

    Args:
        learner: The network with its loss; trained in place.
        feed: Gives the slots of this worker.
        recipe: How to train.
        validate: Called after each epoch, on the first worker alone.
        identity: Of the data; a state saved with another one is refused.
        store: Keeps the state after each epoch and every ``save_every`` steps.
        world: The workers that train together.
        device: Where to train.
        listen: Told of each step and epoch, on the first worker alone.
        save_every: Steps between states saved in mid-epoch; by default by the clock, some
            minutes apart, for one worker, and never for several.

    Raises:
        ConfigError: If the slots cannot be shared evenly, the stored state is of another
            recipe, or the loss stays infinite or NaN.
        StorageError: If the state cannot be kept.
    """
    run = _Run(learner, recipe, identity, world or Alone(), torch.device(device), store or Nowhere())
    run.resume()
    while run.epoch < recipe.epochs and not run.is_stale:
        for slots in feed(run.epoch, run.step_of_epoch):
            done = run.one_step(slots)
            if listen and run.world.rank == 0:
                listen(done)
            if run.is_time_to_save(save_every):
                run.save()
        epoch = run.close_epoch(validate)
        if listen and run.world.rank == 0:
            listen(epoch)
    return run.result()


class _Run:
    """Everything that changes while training."""

    def __init__(
        self,
        learner: Learner,
        recipe: Recipe,
        identity: str,
        world: World,
        device: torch.device,
        store: Store,
    ) -> None:
        if recipe.slots % world.size:
            raise ConfigError(
                f"{recipe.slots} slots of a step cannot be shared by {world.size} workers;"
                f" give a recipe with a multiple of {world.size} slots"
            )
        self.recipe, self.world, self.device, self.store = recipe, world, device, store
        self.identity = identity
        self.learner = learner.to(device).train()
        self.average = MovingAverage(learner.network, decay=recipe.ema)
        self.module = world.wrap(self.learner)
        self.optimizer = _optimizer(self.learner, recipe)
        self.dtype = resolve_dtype(recipe.precision, device)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype == torch.float16)
        self.epoch = self.step_of_epoch = self.skipped_in_row = self.stale = 0
        self.sums: defaultdict[str, float] = defaultdict(float)
        self.history: list[EpochDone] = []
        self.best: dict[str, Tensor] | None = None
        self.seconds_before, self.begun, self.saved = 0.0, time.monotonic(), time.monotonic()

    @property
    def step(self) -> int:
        return self.epoch * self.recipe.steps + self.step_of_epoch

    @property
    def is_stale(self) -> bool:
        return self.recipe.patience is not None and self.stale >= self.recipe.patience

    @property
    def seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.begun

    # -- a step ----------------------------------------------------------------------------

    def one_step(self, slots: Sequence[Batch]) -> StepDone:
        began = time.monotonic()
        rate = self._set_learning_rate()
        self.optimizer.zero_grad(set_to_none=True)
        before = [buffer.clone() for buffer in self.learner.buffers()]
        after = [torch.zeros_like(buffer) for buffer in before]
        parts: defaultdict[str, Tensor] = defaultdict(lambda: torch.zeros((), device=self.device))
        for index, slot in enumerate(slots):
            _copy(before, self.learner.buffers())
            with self._quiet_until(index, len(slots)):
                for name, value in self._slot(index, slot, len(slots)).items():
                    parts[name] += value / len(slots)
            for total, buffer in zip(after, self.learner.buffers(), strict=True):
                total += buffer
        means = self._shared(parts)
        norm = self._norm()
        good = isfinite(means["loss"]) and isfinite(norm)
        self._update(good, before, after, len(slots))
        return self._count(means, norm, rate, good, time.monotonic() - began)

    def _slot(self, index: int, slot: Batch, count: int) -> dict[str, Tensor]:
        """Run one slot forward and back; return its loss and parts."""
        number = index * self.world.size + self.world.rank
        seed = np.random.SeedSequence([self.recipe.seed, self.step, number]).generate_state(1, np.uint64)
        torch.manual_seed(int(seed[0] >> 1))
        half = self.dtype != torch.float32
        with torch.autocast(self.device.type, self.dtype if half else None, enabled=half):
            loss, parts = self.module(slot.to(self.device))
        self.scaler.scale(loss / count).backward()
        return {
            **{name: value.detach().float() for name, value in parts.items()},
            "loss": loss.detach().float(),
        }

    def _quiet_until(self, index: int, count: int) -> Any:
        return self.world.silent(self.module) if index < count - 1 else nullcontext()

    def _shared(self, parts: Mapping[str, Tensor]) -> dict[str, float]:
        names = sorted(parts)
        values = torch.stack([parts[name] for name in names])
        self.world.average([values])
        return dict(zip(names, values.tolist(), strict=True))

    def _norm(self) -> float:
        self.scaler.unscale_(self.optimizer)
        trained = [p for p in self.learner.parameters() if p.requires_grad]
        return float(nn.utils.clip_grad_norm_(trained, self.recipe.clip))

    def _update(self, good: bool, before: list[Tensor], after: list[Tensor], count: int) -> None:
        """Step, or leave everything as it was; batch statistics become the mean over all slots."""
        self.skipped_in_row = 0 if good else self.skipped_in_row + 1
        if self.skipped_in_row > MOST_SKIPPED:
            raise ConfigError(
                f"loss or gradient was not finite in {self.skipped_in_row} steps in a row, up to step"
                f" {self.step + 1}; take a smaller learning_rate than {self.recipe.learning_rate:g}, or"
                " precision float32"
            )
        if good or self.scaler.is_enabled():
            self.scaler.step(self.optimizer)
            self.scaler.update()
        if not good:
            _copy(before, self.learner.buffers())
            return
        fractions = [total.div_(count) for total in after if total.is_floating_point()]
        self.world.average(fractions)
        whole = [total // count for total in after if not total.is_floating_point()]
        mended, counts = iter(fractions), iter(whole)
        _copy([next(mended if b.is_floating_point() else counts) for b in before], self.learner.buffers())
        self.average.update(self.learner.network)

    def _set_learning_rate(self) -> float:
        recipe = self.recipe
        rate = learning_rate(
            self.step,
            steps=recipe.epochs * recipe.steps,
            peak=recipe.learning_rate,
            warmup=recipe.warmup,
            final=recipe.final_rate,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def _count(self, means: dict[str, float], norm: float, rate: float, good: bool, took: float) -> StepDone:
        self.step_of_epoch += 1
        if good:
            for name, value in means.items():
                self.sums[name] += value
            self.sums["steps"] += 1
        return StepDone(
            step=self.step,
            steps=self.recipe.epochs * self.recipe.steps,
            epoch=self.epoch + 1,
            loss=means.pop("loss"),
            parts=means,
            learning_rate=rate,
            gradient_norm=norm,
            images_per_second=self.recipe.batch / max(took, 1e-9),
            skipped=not good,
        )

    # -- an epoch --------------------------------------------------------------------------

    def close_epoch(self, validate: Validate | None) -> EpochDone:
        steps = self.sums.pop("steps", 0.0)
        losses = {name: value / steps for name, value in self.sums.items()} if steps else {}
        metrics: Mapping[str, float] = {}
        if validate is not None:
            mine = dict(validate(self.average.network)) if self.world.rank == 0 else {}
            metrics = self.world.from_first(mine)
        better = SCORE not in metrics or metrics[SCORE] > self._best_score()
        self.stale = 0 if better else self.stale + 1
        if better:
            self.best = {k: v.detach().cpu().clone() for k, v in self.average.network.state_dict().items()}
        step = self.step
        self.epoch, self.step_of_epoch = self.epoch + 1, 0
        self.sums.clear()
        done = EpochDone(
            epoch=self.epoch,
            epochs=self.recipe.epochs,
            step=step,
            losses=losses,
            metrics=metrics,
            best=better,
            seconds=self.seconds,
        )
        self.history.append(done)
        self.save()
        return done

    def _best_score(self) -> float:
        return max((past.metrics.get(SCORE, -1.0) for past in self.history), default=float("-inf"))

    def result(self) -> Trained:
        best = [epoch for epoch in self.history if epoch.best][-1]
        assert self.best is not None
        self.average.network.load_state_dict(self.best)
        return Trained(
            network=self.average.network.cpu(),
            best_epoch=best.epoch,
            metrics=best.metrics,
            history=tuple(self.history),
            stopped_early=self.is_stale and self.epoch < self.recipe.epochs,
        )

    # -- the state -------------------------------------------------------------------------

    def is_time_to_save(self, save_every: int | None) -> bool:
        if self.step_of_epoch == self.recipe.steps:
            return False  # the epoch's end saves
        if save_every is not None:
            return self.step_of_epoch % save_every == 0
        return self.world.size == 1 and time.monotonic() - self.saved > SAVE_SECONDS

    def save(self) -> None:
        self.saved = time.monotonic()
        metrics = self.history[-1].metrics if self.history else {}
        self.store.save(self._state() if self.world.rank == 0 else None, metrics)

    def _state(self) -> State:
        return {
            "recipe": self.recipe.model_dump_json(),
            "identity": self.identity,
            "learner": self.learner.state_dict(),
            "average": self.average.network.state_dict(),
            "averaged": self.average.steps,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "best": self.best,
            "epoch": self.epoch,
            "step_of_epoch": self.step_of_epoch,
            "skipped_in_row": self.skipped_in_row,
            "stale": self.stale,
            "sums": dict(self.sums),
            "seconds": self.seconds,
            "history": [
                {
                    **{name: getattr(e, name) for name in EpochDone.__slots__},
                    "losses": dict(e.losses),
                    "metrics": dict(e.metrics),
                }
                for e in self.history
            ],
        }

    def resume(self) -> None:
        state = self.store.load()
        if state is None:
            return
        if state["recipe"] != self.recipe.model_dump_json() or state["identity"] != self.identity:
            what = "data" if state["recipe"] == self.recipe.model_dump_json() else "recipe"
            raise ConfigError(
                f"the run that was begun there has another {what}; give another --out or --overwrite"
            )
        self.learner.load_state_dict(state["learner"])
        self.average.network.load_state_dict(state["average"])
        self.average.steps = state["averaged"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.best = state["best"]
        for name in ("epoch", "step_of_epoch", "skipped_in_row", "stale"):
            setattr(self, name, state[name])
        self.sums.update(state["sums"])
        self.seconds_before = state["seconds"]
        self.history = [EpochDone(**epoch) for epoch in state["history"]]


def _optimizer(learner: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return AdamW over what is trained; only matrices and kernels decay."""
    trained = [p for p in learner.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=recipe.learning_rate)


@torch.no_grad()
def _copy(values: Sequence[Tensor], into: Any) -> None:
    for value, target in zip(values, into, strict=True):
        target.copy_(value)
