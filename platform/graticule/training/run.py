"""From what a user asks for to trained weights on disk: one network after the other."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

import torch

from graticule.core.errors import ConfigError, GraticuleError
from graticule.models.learned.device import resolve_device
from graticule.models.weights import has_builtin, resolve, weights_sha256
from graticule.storage.place import Place
from graticule.training.cost import cpu_cost
from graticule.training.events import TrainingEvent, TrainingListener
from graticule.training.hardware import hardware
from graticule.training.job import RANDOM, CropMaker, Job, run_job
from graticule.training.loop import Trained
from graticule.training.material import Material
from graticule.training.observer import Observe, Observer
from graticule.training.recipe import Recipe, TrackerRecipe
from graticule.training.recipes import BUILTIN, recipe
from graticule.training.result import Finished, begin, finish
from graticule.training.sequences.job import TrackerJob
from graticule.training.settings import TrainSettings
from graticule.training.state import refuse_state_of_ray, state_store

__all__ = ["CropMaker", "Execute", "Failed", "Finished", "Job", "in_process", "run_job", "train"]

log = logging.getLogger(__name__)

Execute = Callable[[Job, TrainingListener], Trained]
"""Runs a job, going on from the state in its folder: in this process, or on Ray Train."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A network that could not be trained, and why in one line."""

    network: str
    error: str


def in_process(job: Job, listen: TrainingListener, *, device: str = "auto") -> Trained:
    """Run a job in this process.

    Raises:
        GraticuleError: See :func:`graticule.training.job.run_job`; or if it was begun on Ray.
    """
    refuse_state_of_ray(job)
    place = resolve_device(device)
    if place.type == "cpu":
        cost = cpu_cost(job.recipe, threads=torch.get_num_threads())
        log.info("%s trains on the CPU: %s", job.recipe.network, cost)
    trained = run_job(job, store=state_store(job), device=place, listen=listen)
    return replace(trained, hardware=hardware(place))


def train(
    settings: TrainSettings,
    *,
    execute: Execute = in_process,
    recipe_for: Callable[[Recipe], Recipe] = lambda made: made,
    device: str = "auto",
    observe: Sequence[Observe] = (),
) -> list[Finished | Failed]:
    """Train one network or all, one after the other; go on where an earlier run stopped.

    Of several networks one that fails does not stop the others.

    Args:
        settings: What to train on what.
        execute: Runs a job.
        recipe_for: Fits a recipe to the machines that run it; called when what is asked for can be.
        device: Where the trained network is looked at once more in the end.
        observe: Who is told of each training.

    Raises:
        GraticuleError: If what is asked for cannot be, or the only network's training failed.
    """
    material = Material.opened(settings)
    material.tell()
    one = partial(
        _train_one, settings, material, execute=execute, recipe_for=recipe_for, device=device, observe=observe
    )
    if len(settings.networks) == 1:
        return [one(settings.networks[0])]
    return [_or_failed(one, network) for network in settings.networks]


def _or_failed(one: Callable[[str], Finished], network: str) -> Finished | Failed:
    try:
        return one(network)
    except GraticuleError as error:
        log.error("error: %s: %s", network, error)
        return Failed(network=network, error=str(error))
    except Exception as error:  # hours of the other networks must not be lost by a mistake in one
        log.exception("error: %s", network)
        return Failed(network=network, error=f"{type(error).__name__}: {error}")


def _train_one(
    settings: TrainSettings,
    material: Material,
    network: str,
    *,
    execute: Execute,
    recipe_for: Callable[[Recipe], Recipe],
    device: str,
    observe: Sequence[Observe],
) -> Finished:
    job = _job(settings, material, recipe(settings.recipe, network, settings.overrides))
    job.learner()  # what cannot be is known before anything is read, written or started
    job = replace(job, recipe=recipe_for(job.recipe))
    before = begin(job, material.about(), overwrite=settings.overwrite)
    if before is not None:
        for entered in observe:  # one of them may not have heard of the result when it was new
            with entered(job) as observer:
                observer.finish(before)
        return before
    material.check()
    material.tell_split()
    job = replace(job, train=material.split.train, held=material.split.held)
    with ExitStack() as until_end:
        observers = [until_end.enter_context(entered(job)) for entered in observe]
        trained = _executed(job, execute, observers)
        scored = list(job.validation(resolve_device(device)).each(trained.network))
        done = finish(job, trained, scored)
        for observer in observers:
            observer.finish(done)
    return done


def _executed(job: Job, execute: Execute, observers: Sequence[Observer]) -> Trained:
    def listen(event: TrainingEvent) -> None:
        for observer in observers:
            observer.listen(event)

    return execute(job, listen)


def _job(settings: TrainSettings, material: Material, made: Recipe) -> Job:
    """Return the job but for which examples are held out, which is dear to know."""
    digest = None
    if made.start == BUILTIN and not has_builtin(made.network):
        raise ConfigError(
            f"{made.network} ships no weights in this version; give --start random, FILE, URL or"
            " models:/name@alias"
        )
    if made.start != RANDOM:
        made = made.model_copy(update={"start": resolve(made.start)})
        digest = weights_sha256(made.network, made.start)
    nothing: tuple[Sequence[int], ...] = ((),)
    kind = TrackerJob if isinstance(made, TrackerRecipe) else Job
    return kind(
        recipe=made,  # type: ignore[arg-type]
        sources=material.sources,
        shares=settings.weights,
        train=nothing * len(material.sources),
        held_sources=material.held_sources,
        held=nothing * len(material.held_sources),
        start_sha256=digest,
        identity=sha256(f"{material.identity} {digest}".encode()).hexdigest()[:16],
        out=Place.at(settings.out).path(made.network),
    )
