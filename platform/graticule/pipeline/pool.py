"""How many workers a step gets, and what each of them holds of the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass

from graticule.core.errors import ConfigError
from graticule.pipeline.step import Step

# Two workers of one CPU each hang on two CPUs: Ray Data's own tasks find no room.
CPUS_PER_WORKER = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """Workers of a step: how many, and each one's share of a node."""

    size: int
    gpus_each: int = 0

    @property
    def share(self) -> dict[str, float | int]:
        """Resources of one worker, as Ray names them."""
        gpus = {"num_gpus": self.gpus_each} if self.gpus_each else {}
        return {"num_cpus": CPUS_PER_WORKER, **gpus}


def pool_of(step: Step, cluster: Mapping[str, float], *, workers: int | None, items: int) -> Pool:
    """Return the workers that a step gets.

    On CUDA a worker for each GPU, else one for each CPU; never more than asked for, than
    there are items, or than fit in the memory that Ray lends, which it counts over all nodes.

    Args:
        step: What is to be done.
        cluster: Resources by Ray's names, over all nodes.
        workers: How many the user asks for.
        items: How many items are left to do.

    Raises:
        ConfigError: If the step must have CUDA and no node has, or names one GPU of many.
    """
    gpus = _gpus(step.device, int(cluster.get("GPU", 0)))
    size = min(workers or gpus or int(cluster.get("CPU", 1)), gpus or items, items)
    if step.memory_bytes and "memory" in cluster:
        size = min(size, int(cluster["memory"] // step.memory_bytes))
    return Pool(size=max(1, size), gpus_each=int(gpus > 0))


def _gpus(device: str, there: int) -> int:
    if device == "auto":
        return there
    if not device.startswith("cuda"):
        return 0
    if device not in ("cuda", "cuda:0"):
        raise ConfigError(f"device {device!r}: each worker is given a GPU of its own; ask for cuda")
    if not there:
        raise ConfigError(f"device {device!r}: no node of the Ray cluster has a GPU; ask for auto or cpu")
    return there
