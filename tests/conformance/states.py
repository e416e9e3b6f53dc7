"""State dicts in the published layout, and the project's own way of loading them."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor, nn

from conformance.files import Keys
from conformance.fill import filled
from graticule.models.architecture import Architecture


def published_state(keys: Keys, tag: str) -> dict[str, Tensor]:
    """Return a published state dict filled for ``tag``.

    Counters, position indices and masks follow from a network's sizes; they are 0 here, since
    whoever loads a published file must make them anew.
    """
    return {key: _tensor(tag, key, dtype, tuple(shape)) for key, (dtype, shape) in keys.items()}


def load_published(made: Architecture, keys: Keys, tag: str, *, wrapped_in: str | None = None) -> nn.Module:
    """Return a network of a kind with a published file's weights, as a user would load it.

    Args:
        made: The kind of network.
        keys: The published layout.
        tag: What the weights are filled for.
        wrapped_in: The entry of the file that holds the state dict, if it is not the whole.
    """
    from graticule.models.weights import load

    state = published_state(keys, tag)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "published.pth"
        torch.save({wrapped_in: state} if wrapped_in else state, path)
        network: nn.Module = load(made, path)
    return network


def _tensor(tag: str, key: str, dtype: str, shape: tuple[int, ...]) -> Tensor:
    kind: torch.dtype = getattr(torch, dtype)
    if not kind.is_floating_point or key.endswith("attn_mask"):
        return torch.zeros(shape, dtype=kind)
    return torch.from_numpy(np.asarray(filled(tag, key, shape), np.float32)).to(kind)
