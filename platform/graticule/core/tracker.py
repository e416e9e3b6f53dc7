"""What turns instances into identities."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Num, UInt32

from graticule.core.lineage import Lineage

Observations = dict[str, Any]
"""Small numpy arrays by name: what a tracker has seen in one run of frames."""


class Tracker(ABC):
    """Gives every instance an identity: look at runs of frames in parallel, decide once.

    ``observe`` sees the pixels of a run and returns small arrays; ``resolve`` sees the
    observations of all runs, in order, and never a pixel.
    """

    name: str

    @abstractmethod
    def observe(
        self, images: Num[np.ndarray, "t y x"], labels: UInt32[np.ndarray, "t y x"], *, first: int
    ) -> Observations:
        """Return what matters of frames first … first + t - 1.

        Runs overlap by one frame: the last frame of a run is the first of the next, so
        that each neighbouring pair of frames is seen by exactly one run.
        """

    @abstractmethod
    def resolve(self, observed: Iterable[Observations], *, frames: int, shape: tuple[int, int]) -> Lineage:
        """Return the identities in a movie of ``frames`` frames of ``shape`` (y, x).

        The answer does not depend on where the movie was cut into runs.
        """
