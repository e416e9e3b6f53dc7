"""Small folders of labelled images, and the smallest network worth training on them."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

TINY: dict[str, Any] = {
    "config.dims": [8, 16, 32, 64],
    "config.depths": [1, 1, 1],
    "config.mid": 4,
    "config.d_state": 2,
    "start": "random",
    "size": 32,
    "batch": 2,
    "steps": 3,
    "epochs": 2,
    "warmup": 1,
}
"""Values of a recipe of ``vmamba`` that trains in seconds."""


def labelled_folder(folder: Path, *, count: int = 4, size: int = 64, seed: int = 0) -> Path:
    """Write noisy images of a few dark discs beside their instances; return the folder."""
    for name in ("images", "instances"):
        (folder / name).mkdir(parents=True)
    for index in range(count):
        grey, labels = discs(size, np.random.default_rng([seed, index]))
        Image.fromarray(grey).save(folder / "images" / f"{index}.png")
        Image.fromarray(labels.astype(np.uint16)).save(folder / "instances" / f"{index}.png")
    return folder


def discs(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return an image of four discs that lie apart, 8 bits, and their labels."""
    y, x = np.mgrid[:size, :size]
    labels = np.zeros((size, size), np.int32)
    for number, (row, column) in enumerate(((1, 1), (1, 3), (3, 1), (3, 3)), start=1):
        middle = np.array([row, column]) * size / 4 + rng.uniform(-2, 2, 2)
        labels[np.hypot(y - middle[0], x - middle[1]) < rng.uniform(0.06, 0.11) * size] = number
    grey = np.where(labels > 0, 90, 170) + rng.normal(0, 12, labels.shape)
    return np.clip(grey, 0, 255).astype(np.uint8), labels
