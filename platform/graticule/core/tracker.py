"""What turns instances into identities."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Num, UInt32

from graticule.core.lineage import Lineage
from graticule.core.window import Window

Observations = dict[str, Any]
"""Small numpy arrays by name: what a tracker has seen in one run of frames."""


class Tracker(ABC):
    """Gives every instance an identity: look at runs of frames in parallel, decide once.

    ``observe`` sees the pixels of a run and returns small arrays; ``resolve`` sees the
    observations of all runs, in order, and never a pixel.

    A tracker may also follow particles through windows of space and time, frame after frame. It
    says which (:meth:`windows`); each is followed by itself, so they can lie on different machines.
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
    def resolve(
        self,
        observed: Iterable[Observations],
        *,
        frames: int,
        shape: tuple[int, int],
        followed: Iterable[Observations] = (),
    ) -> Lineage:
        """Return the identities in a movie of ``frames`` frames of ``shape`` (y, x).

        The answer does not depend on where the movie was cut into runs.

        Args:
            observed: Of all runs, in order.
            frames: In the movie.
            shape: Of a frame.
            followed: Of all :meth:`windows`, in any order.
        """

    def windows(self, movie: tuple[int, int, int]) -> Sequence[Window]:
        """Return the windows to be followed in a movie (t, y, x); none, if it does not follow."""
        return ()

    def follow(
        self,
        images: Num[np.ndarray, "t y x"],
        labels: UInt32[np.ndarray, "t y x"],
        *,
        window: Window,
        width: int,
        pixel_size_nm: float | None,
    ) -> Observations:
        """Return what went where in one of the windows.

        Args:
            images: The window's frames, its read box.
            labels: Instances, likewise.
            window: One of :meth:`windows`.
            width: Of the whole frame, in pixels.
            pixel_size_nm: If known.
        """
        # Never asked of a tracker without windows; one that has some says how it follows them.
        raise NotImplementedError(f"tracker {self.name} follows no windows")

    @property
    def device(self) -> str:
        """Where it follows: ``cpu``, ``cuda``, or ``auto``."""
        return "cpu"

    def pinned_weights(self) -> dict[str, str]:
        """Return the options ``weights`` and ``weights_sha256`` that mean the same for as long as a job runs.

        A tracker without a network has none.

        Raises:
            ConfigError: If there are no weights.
            InputError: If they cannot be had, or do not have the digest asked for.
        """
        return {}
