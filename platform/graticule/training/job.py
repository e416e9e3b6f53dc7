"""One network to be trained on given images: a value that travels to every worker, and running it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from pydantic import ValidationError
from torch import nn

from graticule.core.errors import ConfigError
from graticule.core.refusal import refusal
from graticule.models.architecture import architecture
from graticule.models.learned.fitting import fitting_view
from graticule.models.weights import load_network
from graticule.training.batch import Crop
from graticule.training.crops import crop_of
from graticule.training.events import TrainingListener
from graticule.training.examples import Example, Source
from graticule.training.feed import CropOf, local_feed
from graticule.training.learner import Learner, learner
from graticule.training.loop import Feed, Trained, fit
from graticule.training.plan import Pick, Plan
from graticule.training.recipe import Recipe
from graticule.training.shelf import Shelf
from graticule.training.slot import slot_errors
from graticule.training.stores import Store
from graticule.training.validation import AbstractValidation, Validation
from graticule.training.world import Alone, World

RANDOM = "random"
KEPT_BYTES = 2**29
"""Of examples that a worker keeps in memory, so that they are read or made once."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that decides the result of a training, and where the result goes. Pickles small.

    Attributes:
        recipe: How to train; ``start`` names the same weights for as long as the job runs.
        sources: Where the images to train on come from.
        shares: How often each source is drawn from.
        train: Of each source, the examples to train on.
        held_sources: Where the images to validate on come from; may be the same.
        held: Of each of these, the examples to validate on.
        start_sha256: What the weights to start from hold, ``None`` for random ones.
        identity: Stands for the data and the weights to start from; the recipe is not in it.
        out: Folder or URL of this network's result.
    """

    recipe: Recipe
    sources: tuple[Source, ...]
    shares: tuple[float, ...]
    train: tuple[Sequence[int], ...]
    held_sources: tuple[Source, ...]
    held: tuple[Sequence[int], ...]
    start_sha256: str | None
    identity: str
    out: str

    def plan(self) -> Plan:
        """Return which examples each step sees."""
        return Plan(
            items=self.train,
            shares=self.shares,
            batch=self.recipe.batch,
            steps=self.recipe.steps,
            seed=self.recipe.seed,
        )

    def learner(self) -> Learner:
        """Return the network to begin with, and its loss: the same in every worker.

        Raises:
            ConfigError: If the network cannot have the recipe's sizes, or not be trained like this.
            InputError: If the weights to start from cannot be had.
        """
        torch.manual_seed(self.recipe.seed)
        return learner(_network(self.recipe, self.start_sha256), self.recipe)

    def maker(self) -> CropOf:
        """Return what makes the crop of a pick."""
        return CropMaker(self.sources, self.recipe)

    def validation(self, device: torch.device | str = "cpu") -> AbstractValidation:
        """Return what tells how good a network is on the images held out."""
        return Validation(self.held_sources, self.held, self.recipe, device=torch.device(device))


def run_job(
    job: Job,
    *,
    world: World | None = None,
    store: Store | None = None,
    device: torch.device | str = "cpu",
    listen: TrainingListener | None = None,
    feed: Feed | None = None,
    save_every: int | None = None,
) -> Trained:
    """Train a job's network, alone or as one of several workers; goes on from what ``store`` has.

    Args:
        job: What to train, on what.
        world: The workers that train together.
        store: Keeps the state; nothing does by default.
        device: Where to train and to validate.
        listen: Told of each step and epoch, on the first worker alone.
        feed: Gives this worker's slots; by default they are made in this process.
        save_every: See :func:`graticule.training.loop.fit`.

    Raises:
        GraticuleError: One line that names what is wrong and the remedy.
    """
    world = world or Alone()
    if feed is None:
        slots = job.recipe.slots
        feed = local_feed(job.plan(), job.maker(), slots=slots, rank=world.rank, workers=world.size)
    with slot_errors(job.recipe):
        return fit(
            job.learner(),
            feed,
            job.recipe,
            validate=job.validation(device),
            identity=job.identity,
            store=store,
            world=world,
            device=device,
            listen=listen,
            save_every=save_every,
        )


@dataclass
class CropMaker:
    """Makes the crop of a pick. Pickles without the examples that it keeps.

    A crop has the magnification at which the segmenter shows such an image to the network
    (:func:`graticule.models.learned.fitting.fitting_view`), times the recipe's range of scale.
    """

    sources: Sequence[Source]
    recipe: Recipe
    _shelf: Shelf[Example] = field(default_factory=lambda: Shelf(_size), repr=False)

    def __call__(self, pick: Pick) -> Crop:
        """Return the crop; the same one for the same pick.

        Raises:
            InputError: If the example cannot be read.
        """
        source, index = self.sources[pick.source], pick.index
        example = self._shelf.take((pick.source, index), lambda: source.load(index), most=KEPT_BYTES)
        kind = architecture(self.recipe.network)
        zoom = kind.native_size / fitting_view(example.image.shape, kind.default_view_px)
        augmentation = self.recipe.augmentation
        return crop_of(example, size=self.recipe.size, augmentation=augmentation, seed=pick.seed, zoom=zoom)


def _size(example: Example) -> int:
    return example.image.nbytes + example.labels.nbytes


def _network(recipe: Recipe, sha256: str | None) -> nn.Module:
    if recipe.start != RANDOM:
        return load_network(recipe.network, recipe.start, sha256=sha256)
    made = architecture(recipe.network)
    try:
        config = made.config.model_validate(recipe.config)
    except ValidationError as error:
        raise ConfigError(f"recipe of {recipe.network}: config: {refusal(error, made.config)}") from None
    return made.build(config)
