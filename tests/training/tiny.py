"""Smallest networks worth the name, and drawn images to train them on."""

from typing import Any

import numpy as np
import torch

from graticule.models.architecture import architecture
from graticule.training.batch import AnyBatch, Batch, Crop
from graticule.training.distance import centre_distance
from graticule.training.job import Job
from graticule.training.learner import Learner, learner
from graticule.training.loop import Feed
from graticule.training.recipe import Recipe, TrackerRecipe, recipe_kind
from training.drawn_clips import clip_batch_of

SIZES: dict[str, dict[str, Any]] = {
    "efficient-sam-ti": {"width": 48, "depth": 2, "heads": 3, "semantic": True, "distance": True},
    "swin-unet": {"embed": 12, "heads": (1, 2, 4, 8), "depths": (1, 1, 1, 1), "distance": True},
    "vmamba": {"dims": (8, 16, 32, 64), "depths": (1, 1, 1), "d_state": 4, "mid": 8, "distance": True},
    "yolov8n-seg": {},
    "deaot-t": {},
}
EDGES = {"efficient-sam-ti": 128, "swin-unet": 224, "vmamba": 64, "yolov8n-seg": 128, "deaot-t": 65}
EVERY = sorted(SIZES)
NETWORKS = sorted(set(SIZES) - {"deaot-t"})
"""Of segmenters, which learn from images."""


def bare_job(recipe: Recipe, *, identity: str = "", out: str = "/nowhere") -> Job:
    """Return a job without any images."""
    return Job(
        recipe=recipe,
        sources=(),
        shares=(),
        train=(),
        held_sources=(),
        held=(),
        start_sha256=None,
        identity=identity,
        out=out,
    )


def recipe_of(network: str, **changes: Any) -> Recipe:
    """Return a recipe of two epochs of three steps, each of two slots of two crops."""
    usual = {
        "network": network,
        "config": SIZES[network],
        "size": EDGES[network],
        "batch": 4,
        "slots": 2,
        "epochs": 2,
        "steps": 3,
        "warmup": 0,
        "prompts": 4,
    }
    return recipe_kind(network).model_validate({**usual, **changes})


def learner_of(recipe: Recipe) -> Learner:
    """Return a network of random weights, the same ones for the same recipe, with its loss."""
    torch.manual_seed(recipe.seed)
    made = architecture(recipe.network)
    return learner(made.build(made.config(**recipe.config)), recipe)


def crop(size: int, seed: int, *, particles: int = 4, parted: bool = True) -> Crop:
    """Return dark discs on a bright ground, some of which touch."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((size, size), np.int32)
    y, x = np.mgrid[:size, :size]
    for _ in range(particles):
        centre, radius = rng.uniform(0.1, 0.9, 2) * size, rng.uniform(0.06, 0.14) * size
        disc = ((y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2) & (labels == 0)
        labels[disc] = labels.max() + 1
    image = np.where(labels > 0, 0.25, 0.75) + rng.normal(0, 0.03, labels.shape)
    return Crop(
        image=np.clip(image, 0, 1).astype(np.float32),
        labels=labels,
        distance=centre_distance(labels) if parted else np.zeros(labels.shape, np.float32),
        parted=parted,
    )


def batch_of(size: int, seed: int, count: int = 2, **kind: Any) -> Batch:
    """Return a batch of crops of drawn discs."""
    return Batch.of([crop(size, 1000 * seed + k, **kind) for k in range(count)])


def feed_of(recipe: Recipe, *, rank: int = 0, workers: int = 1, **kind: Any) -> Feed:
    """Return a feed of drawn discs, every slot of every step another; of clips of them for a tracker."""
    count = recipe.batch // recipe.slots
    made = clip_batch_of if isinstance(recipe, TrackerRecipe) else batch_of

    def slot(epoch: int, step: int, number: int) -> AnyBatch:
        return made(recipe.size, (epoch * 100 + step) * 100 + number, count, **kind)

    def feed(epoch: int, done: int) -> Any:
        for step in range(done, recipe.steps):
            yield [slot(epoch, step, number) for number in range(rank, recipe.slots, workers)]

    return feed
