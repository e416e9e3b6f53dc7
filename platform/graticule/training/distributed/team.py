"""How many workers train together, and what each of them holds of the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass

from graticule.core.errors import ConfigError
from graticule.training.recipe import Recipe

CPUS_PER_WORKER = 0.5
"""So little that Ray Data finds room beside the workers, also on a machine of two CPUs."""
TRAINED_ALONE = frozenset({"vmamba"})
"""Networks that take one worker unless more are asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Team:
    """Workers that train together.

    Attributes:
        size: How many they are.
        gpus_each: 1, or 0 to train on CPUs.
        threads: Of torch, in each worker.
    """

    size: int
    gpus_each: int = 0
    threads: int = 1

    @property
    def resources(self) -> dict[str, float]:
        """What a worker holds, as Ray Train names it."""
        gpus = {"GPU": float(self.gpus_each)} if self.gpus_each else {}
        return {"CPU": CPUS_PER_WORKER, **gpus}


def team_of(network: str, cluster: Mapping[str, float], *, workers: int | None, use_gpu: bool) -> Team:
    """Return the workers that train a network.

    By default one for each GPU, or one on CPUs; a network of :data:`TRAINED_ALONE` always takes one.

    Args:
        network: Its name.
        cluster: Resources by Ray's names, over all nodes.
        workers: How many the user asks for.
        use_gpu: Whether each worker has a GPU of its own.

    Raises:
        ConfigError: If there are fewer GPUs than workers that want one.
    """
    gpus, cpus = int(cluster.get("GPU", 0)), int(cluster.get("CPU", 1))
    if use_gpu and not gpus:
        raise ConfigError("no node of the Ray cluster has a GPU; leave --use-gpu out to train on CPUs")
    default = gpus if use_gpu and network not in TRAINED_ALONE else 1
    size = workers or default
    if use_gpu and size > gpus:
        raise ConfigError(
            f"{size} workers need a GPU each, and the Ray cluster has {gpus}; ask for --workers {gpus}"
        )
    return Team(size=size, gpus_each=int(use_gpu), threads=max(1, cpus // size))


def shared_by(recipe: Recipe, workers: int) -> Recipe:
    """Return the recipe with as many slots as the workers can share evenly.

    Statistics and normalisers are a slot's own, so more slots are another recipe: it is decided
    here, once, and recorded with the result.

    Raises:
        ConfigError: If the batch cannot be cut into so many slots.
    """
    slots = -(-recipe.slots // workers) * workers
    if recipe.batch % slots:
        fitting = -(-recipe.batch // slots) * slots
        raise ConfigError(
            f"batch = {recipe.batch} cannot be cut into {slots} equal slots for {workers} workers;"
            f" ask for --batch {fitting}, or for another number of workers"
        )
    return recipe if slots == recipe.slots else recipe.model_copy(update={"slots": slots})
