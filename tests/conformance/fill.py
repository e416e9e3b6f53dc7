"""Make weights and inputs from names alone, the same on every machine.

The values are those of the program the vectors were made with (``fill.py`` beside the vectors).
"""

import zlib

import numpy as np


def uniform(tag: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return float32 values in [0, 1)."""
    return _generator(tag, name).random(shape, dtype=np.float32)


def filled(tag: str, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the value of one floating-point tensor of a state dict, by its published key and shape."""
    size = int(np.prod(shape)) if shape else 1
    noise = _generator(tag, key).standard_normal(size).astype(np.float32).reshape(shape)
    name = key.rpartition(".")[2]
    if name == "running_var":
        return 1 + 0.1 * np.abs(noise)
    if len(shape) <= 1:
        return 1 + 0.1 * noise if name == "weight" else 0.1 * noise
    return (noise / np.sqrt(size / shape[0])).astype(np.float32)


def _generator(tag: str, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(zlib.crc32(f"{tag}:{name}".encode())))
