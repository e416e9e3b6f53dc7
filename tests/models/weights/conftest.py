"""A network of a few numbers, and a home of its own."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from graticule.models.architecture import Architecture, NetworkConfig, State


class TinyConfig(NetworkConfig):
    """Sizes of the tiny network."""

    width: int = 4


class Tiny(nn.Module):
    """One convolution and a normalisation with buffers."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        if config.width < 1:
            raise ValueError(f"width {config.width} is below 1")
        self.mix = nn.Conv2d(3, config.width, 1)
        self.norm = nn.BatchNorm2d(config.width)

    def forward(self, images: Tensor) -> Tensor:
        """Mix the colours."""
        return self.norm(self.mix(images))


PUBLISHED = {
    "mix.weight": "conv.kernel",
    "mix.bias": "conv.bias",
    **{f"norm.{name}": f"bn.{name}" for name in ("weight", "bias", "running_mean", "running_var")},
    "norm.num_batches_tracked": "bn.num_batches_tracked",
}


def published(state: State) -> tuple[TinyConfig, dict[str, Tensor]]:
    """Read the published names of the tiny network."""
    return TinyConfig(width=len(state["conv.bias"])), {ours: state[name] for ours, name in PUBLISHED.items()}


TINY = Architecture(
    name="tiny",
    native_size=32,
    default_view_px=32,
    config=TinyConfig,
    build=Tiny,
    published=published,
    licence="Apache-2.0",
    source="these tests",
)


@dataclass(frozen=True)
class Kit:
    """What the tests of weights work with."""

    architecture: Architecture = TINY

    def network(self, *, width: int = 4, seed: int = 0) -> nn.Module:
        """Return the tiny network with random weights."""
        torch.manual_seed(seed)
        return Tiny(TinyConfig(width=width))

    def config(self, *, width: int = 4) -> TinyConfig:
        """Return its sizes."""
        return TinyConfig(width=width)

    def published(self, network: nn.Module) -> dict[str, Tensor]:
        """Return its state dict as its makers would have published it."""
        return {PUBLISHED[name]: value for name, value in network.state_dict().items()}


@pytest.fixture
def tiny() -> Kit:
    return Kit()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """A home of this test's own, with no registry."""
    monkeypatch.setenv("GRATICULE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "home"
