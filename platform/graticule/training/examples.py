"""Labelled images, and the places they come from."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32

ENDLESS = 2**31
"""Number of examples of a source that makes them."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Example:
    """One labelled image.

    Attributes:
        image: Grey levels in 0..1, particles dark, as networks see them
            (:mod:`graticule.models.learned.normalise`).
        labels: Instances, 1 … n without gaps; 0 is background.
        parted: Whether touching particles have labels of their own. If not, the labels say
            no more than foreground, and are its 8-connected components.
    """

    image: Float32[np.ndarray, "y x"]
    labels: Int32[np.ndarray, "y x"]
    parted: bool


class Source(ABC):
    """Labelled images from one place. The same index gives the same example, in any process.

    Pickles small: what it reads from, not pixels.
    """

    name: str
    """As the user wrote it."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many examples there are, :data:`ENDLESS` if they are made."""

    @abstractmethod
    def group(self, index: int) -> str:
        """Return what an example shares with others: its image or sequence.

        Examples of a group are all trained on or all held out.
        """

    @abstractmethod
    def load(self, index: int) -> Example:
        """Return an example.

        Raises:
            InputError: If its files cannot be read, or do not belong together.
        """

    @abstractmethod
    def digest(self) -> str:
        """Return what changes when the examples do; quick, however many there are."""
