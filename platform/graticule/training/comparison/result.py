"""What the results of all comparisons have in common, and what is said of them."""

import platform
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch

CPU = "CPU"


class AbstractMeasured(ABC):
    """What came of an entrant's work."""

    device: str
    """Where it ran."""
    trouble: str | None
    """Why there are no figures."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The entrant's."""


def troubles(measured: Sequence[AbstractMeasured]) -> list[str]:
    """Return what went wrong, a line for each entrant that has no figures."""
    return [f"{each.name}: {each.trouble}" for each in measured if each.trouble]


def graphics(measured: Sequence[AbstractMeasured]) -> list[str]:
    """Return the GPUs that were used."""
    return sorted({each.device for each in measured if not each.trouble and each.device != CPU})


def machine(measured: Sequence[AbstractMeasured], *, threads: int) -> str:
    """Return what the figures were measured on, in words."""
    cpu = f"{platform.machine()} CPU, {threads} thread{'s' * (threads != 1)}"
    return " · ".join([*graphics(measured), cpu])


def device_name(device: torch.device) -> str:
    """Return what a device is called in a result."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else CPU
