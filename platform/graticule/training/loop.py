"""The training loop, in plain torch; it runs alone or as one of several workers.

What is learnt depends on recipe and data alone: each slot of each step has its own seed, starts
from the same batch statistics, and counts the same. So a run that was killed goes on as if it
had not been, and two workers learn what one learns from the same slots.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from graticule.core.errors import ConfigError
from graticule.training.batch import AnyBatch
from graticule.training.events import EpochDone, TrainingEvent, TrainingListener
from graticule.training.learner import Learner
from graticule.training.ledger import SCORE, Ledger
from graticule.training.recipe import Recipe
from graticule.training.stepper import Stepper
from graticule.training.stores import Nowhere, Store
from graticule.training.world import Alone, World

__all__ = ["SCORE", "Feed", "Trained", "Validate", "fit"]

SAVE_SECONDS = 120.0

Feed = Callable[[int, int], Iterator[Sequence[AnyBatch]]]
"""(epoch, steps of it to leave out) -> for each further step, this worker's slots."""
Validate = Callable[[nn.Module], Mapping[str, float]]
"""A network in evaluation mode -> its metrics on images held out, :data:`SCORE` among them."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a run ended with: the best averaged weights, and how it came there.

    ``hardware`` says in words on what; whoever runs it knows.
    """

    network: nn.Module
    best_epoch: int
    metrics: Mapping[str, float]
    history: tuple[EpochDone, ...]
    stopped_early: bool
    hardware: str = "unknown hardware"


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
    stepper = Stepper(learner, recipe, world or Alone(), torch.device(device))
    run = _Run(stepper, Ledger(recipe), store or Nowhere(), identity, listen)
    run.resume()
    while not run.ledger.is_over:
        for slots in feed(run.ledger.epoch, run.ledger.step_of_epoch):
            run.step(slots)
            if run.is_time_to_save(save_every):
                run.save()
        run.close_epoch(validate)
    return run.result()


class _Run:
    """A run's weights and ledger, kept in a store and told to a listener."""

    def __init__(
        self, stepper: Stepper, ledger: Ledger, store: Store, identity: str, listen: TrainingListener | None
    ) -> None:
        self.stepper, self.ledger, self.store, self.identity = stepper, ledger, store, identity
        self.is_first = stepper.world.rank == 0
        self.listen = listen
        self.saved = time.monotonic()

    def step(self, slots: Sequence[AnyBatch]) -> None:
        self._tell(self.ledger.count(self.stepper.step(self.ledger.step, slots)))

    def close_epoch(self, validate: Validate | None) -> None:
        averaged = self.stepper.average.network
        metrics: Mapping[str, float] = {}
        if validate is not None:
            mine = dict(validate(averaged)) if self.is_first else {}
            metrics = self.stepper.world.from_first(mine)
        done = self.ledger.close_epoch(metrics, averaged.eval())
        self.save()
        self._tell(done)

    def result(self) -> Trained:
        ledger, network = self.ledger, self.stepper.average.network
        best = [epoch for epoch in ledger.history if epoch.best][-1]
        assert ledger.best is not None
        network.load_state_dict(ledger.best)
        return Trained(
            network=network.cpu(),
            best_epoch=best.epoch,
            metrics=best.metrics,
            history=tuple(ledger.history),
            stopped_early=ledger.epoch < ledger.recipe.epochs,
        )

    def _tell(self, event: TrainingEvent) -> None:
        if self.listen and self.is_first:
            self.listen(event)

    def is_time_to_save(self, save_every: int | None) -> bool:
        if self.ledger.step_of_epoch == self.ledger.recipe.steps:
            return False  # the epoch's end saves
        if save_every is not None:
            return self.ledger.step_of_epoch % save_every == 0
        return self.stepper.world.size == 1 and time.monotonic() - self.saved > SAVE_SECONDS

    def save(self) -> None:
        self.saved = time.monotonic()
        metrics = self.ledger.history[-1].metrics if self.ledger.history else {}
        state = {
            "recipe": self.ledger.recipe.model_dump_json(),
            "identity": self.identity,
            "stepper": self.stepper.state(),
            "ledger": self.ledger.state(),
        }
        self.store.save(state if self.is_first else None, metrics)

    def resume(self) -> None:
        state = self.store.load()
        if state is None:
            return
        recipe = self.ledger.recipe.model_dump_json()
        if state["recipe"] != recipe or state["identity"] != self.identity:
            how = "on other data" if state["recipe"] == recipe else "by another recipe"
            raise ConfigError(
                f"the run begun there was trained {how}; give what it was begun with to go on, or choose"
                " another --out; --overwrite deletes it"
            )
        self.stepper.load(state["stepper"])
        self.ledger.load(state["ledger"])
