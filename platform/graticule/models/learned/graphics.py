"""Which graphics cards networks can compute on, as torch sees them."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import torch

_GIB = 2**30
_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, kw_only=True, slots=True)
class Graphics:
    """The cards in words, the CUDA that torch was built with, and whether the system has a driver."""

    cards: tuple[str, ...]
    cuda: str | None
    has_driver: bool

    @property
    def hidden(self) -> bool:
        """Whether the system has cards that torch cannot use."""
        return self.has_driver and not self.cards


def graphics() -> Graphics:
    """Return what there is to compute on beside the CPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of the driver that we tell of ourselves
        cards = tuple(_card(index) for index in range(torch.cuda.device_count()))
    return Graphics(cards=cards, cuda=torch.version.cuda, has_driver=_DRIVER.exists())


def _card(index: int) -> str:
    card = torch.cuda.get_device_properties(index)
    return f"{card.name}, {card.total_memory / _GIB:.0f} GiB"
