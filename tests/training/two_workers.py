"""A process of two that train together; a module of its own, so that a new process can import it."""

from pathlib import Path
from typing import Any

import torch
from torch import distributed

from graticule.training.events import StepDone, TrainingEvent
from graticule.training.learner import Learner
from graticule.training.loop import fit
from graticule.training.recipe import Recipe
from graticule.training.world import Alone, Group, World
from training.tiny import feed_of, learner_of

Trail = list[dict[str, Any]]
"""Of each step: its loss, and weights and buffers after it."""


def trail_of(recipe: Recipe, world: World | None = None, **kind: Any) -> Trail:
    """Train, and return what came of each step."""
    world = world or Alone()
    learner, trail = learner_of(recipe), Trail()
    # only the first worker is listened to; the others' weights are looked at after the last step
    feed = feed_of(recipe, rank=world.rank, workers=world.size, **kind)
    fit(learner, feed, recipe, world=world, listen=lambda event: _note(event, learner, trail))
    return trail or [{"state": _copied(learner)}]


def train_together(rank: int, folder: str, recipes: list[Recipe]) -> None:
    """Train one network after the other as worker ``rank``; leave the trails in ``folder``."""
    torch.set_num_threads(1)
    place = f"file://{folder}/meeting"
    distributed.init_process_group("gloo", init_method=place, rank=rank, world_size=2)
    try:
        trails = [trail_of(recipe, Group()) for recipe in recipes]
        torch.save(trails, Path(folder) / f"{rank}.pt")
    finally:
        distributed.destroy_process_group()


def _note(event: TrainingEvent, learner: Learner, trail: Trail) -> None:
    if isinstance(event, StepDone):
        trail.append({"loss": event.loss, "parts": dict(event.parts), "state": _copied(learner)})


def _copied(learner: Learner) -> dict[str, Any]:
    return {name: value.clone() for name, value in learner.state_dict().items()}
