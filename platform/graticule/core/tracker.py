"""What turns instances into identities."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
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


class FollowingTracker(Tracker):
    """A tracker that also follows particles through windows of space and time, frame after frame.

    Windows overlap in time and space; each is followed by itself, so they can lie on different
    machines, and speaks for its share alone.
    """

    @property
    @abstractmethod
    def window_frames(self) -> int:
        """Frames that a window goes on for."""

    @property
    @abstractmethod
    def lead_frames(self) -> int:
        """Frames before its share that a window begins with, so that it knows who was there."""

    @property
    @abstractmethod
    def window_px(self) -> int:
        """Edge of the square that a window speaks for, in pixels."""

    @property
    @abstractmethod
    def device(self) -> str:
        """Where it computes: ``cpu``, ``cuda``, or ``auto``."""

    @abstractmethod
    def pinned_weights(self) -> dict[str, str]:
        """Return the options ``weights`` and ``weights_sha256`` that mean the same for as long as a job runs.

        Raises:
            ConfigError: If there are none.
            InputError: If they cannot be had, or do not have the digest asked for.
        """

    @abstractmethod
    def follow(
        self,
        images: Num[np.ndarray, "t y x"],
        labels: UInt32[np.ndarray, "t y x"],
        *,
        window: Window,
        width: int,
        pixel_size_nm: float | None,
    ) -> Observations:
        """Return what went where in the window whose read box is given.

        Args:
            images: The window's frames, its read box.
            labels: Instances, likewise.
            window: Its first :attr:`lead_frames` frames speak for nothing, unless it begins the movie.
            width: Of the whole frame, in pixels.
            pixel_size_nm: If known.
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
        """Return the identities, also from what was followed in all windows, in any order."""
