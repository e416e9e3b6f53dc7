"""The workers that train together: one alone, or a group of torch.distributed.

Collectives are called by all workers alike, or none.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

_NEW, _OLD = "forward_sync_buffers", "broadcast_buffers"
_OWN_BUFFERS: dict[str, Any] = {
    _NEW if _NEW in signature(DistributedDataParallel).parameters else _OLD: False
}
"""The loop itself sees to batch statistics. torch renamed the option in 2.15, and warns of the old name."""


class World(ABC):
    """What the loop must know of the other workers."""

    rank: int
    size: int

    @abstractmethod
    def wrap(self, module: nn.Module) -> nn.Module:
        """Return a module with the same forward whose gradients are averaged over all workers."""

    @abstractmethod
    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over all workers."""

    @abstractmethod
    def from_first(self, value: Any) -> Any:
        """Return what the first worker gives."""

    @contextmanager
    def silent(self, module: nn.Module) -> Iterator[None]:
        """Keep gradients to oneself: more are to come in this step."""
        yield


class Alone(World):
    """A single worker."""

    rank, size = 0, 1

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module itself."""
        return module

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Do nothing."""

    def from_first(self, value: Any) -> Any:
        """Return the value."""
        return value


class Group(World):
    """The workers of torch.distributed's default process group, which must exist."""

    def __init__(self) -> None:
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module under DistributedDataParallel."""
        device = next(module.parameters()).device
        places = [device] if device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids=places, **_OWN_BUFFERS)

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over all workers."""
        for tensor in tensors:
            distributed.all_reduce(tensor)
            tensor /= self.size

    def from_first(self, value: Any) -> Any:
        """Return what the first worker gives."""
        box = [value]
        distributed.broadcast_object_list(box)
        return box[0]

    @contextmanager
    def silent(self, module: nn.Module) -> Iterator[None]:
        """Keep gradients to oneself: more are to come in this step."""
        assert isinstance(module, DistributedDataParallel)
        with module.no_sync():
            yield


def current() -> World:
    """Return the group of workers this process belongs to."""
    ready = distributed.is_available() and distributed.is_initialized()
    return Group() if ready and torch.distributed.get_world_size() > 1 else Alone()
