"""Some frames of a movie with the identity of everything in them: what clips are cut from."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Footage:
    """Frames and truth.

    Attributes:
        frames: Grey levels in 0..1, particles dark.
        ids: Objects, the same number in all frames that show the same one; 0 is background.
        zoom: Magnification at which clips show objects as large as they should.
    """

    frames: Float32[np.ndarray, "t y x"]
    ids: Int32[np.ndarray, "t y x"]
    zoom: float = 1.0


def typical_diameter(labels: Int32[np.ndarray, "y x"]) -> float:
    """Return the median equivalent diameter of a frame's objects, in pixels; 0 without any."""
    areas = np.bincount(labels.ravel())[1:]
    areas = areas[areas > 0]
    return float(np.sqrt(4 / np.pi * np.median(areas))) if len(areas) else 0.0


def log_uniform(rng: np.random.Generator, span: tuple[float, float]) -> float:
    """Return a number drawn evenly in its logarithm."""
    return float(np.exp(rng.uniform(*np.log(span))))
