"""Weights files of networks that have learnt nothing."""

from pathlib import Path
from typing import Any


def random_weights(path: Path, name: str, *, seed: int = 0, **sizes: Any) -> Path:
    """Write random weights of the network called ``name``; return the path."""
    import torch

    from graticule.models.architecture import architecture
    from graticule.models.weights import save_weights

    made = architecture(name)
    config = made.config(**sizes)
    torch.manual_seed(seed)
    save_weights(path, name, config, made.build(config))
    return path


def tiny_swin(path: Path, *, seed: int = 0) -> Path:
    """Write random weights of the smallest Swin-UNet worth the name; return the path."""
    return random_weights(
        path, "swin-unet", seed=seed, embed=4, depths=(1, 1, 1, 1), heads=(1, 1, 1, 1), drop_path=0.0
    )
