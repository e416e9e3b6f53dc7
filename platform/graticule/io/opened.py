"""A movie as the readers make it: facts learned at opening, and frames read later."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Num

from graticule.core.calibration import Calibration
from graticule.core.errors import InputError
from graticule.core.movie import Movie

UNKNOWN = Calibration()


class FrameSource(ABC):
    """Reads grey frames of one movie. Pickles small; safe to use from several threads."""

    @abstractmethod
    def read(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop), at least one, as a native numeric type."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenedMovie(Movie):
    """A movie whose frames come from a :class:`FrameSource`."""

    name: str
    files: tuple[str, ...]
    shape: tuple[int, int, int]
    dtype: np.dtype
    frames: FrameSource = field(repr=False)
    calibration: Calibration = UNKNOWN
    notes: tuple[str, ...] = ()
    run_hint: int = 1

    def __post_init__(self) -> None:
        if 0 in self.shape:
            raise InputError(
                f"{self.files[0]} holds no pixels: {self.shape[0]} frames of "
                f"{self.shape[1]} x {self.shape[2]}; give another file"
            )

    def read(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop)."""
        self._check_range(start, stop)
        if start == stop:
            return np.empty((0, *self.shape[1:]), self.dtype)
        frames = self.frames.read(start, stop)
        assert frames.shape == (stop - start, *self.shape[1:]), (self.files[0], frames.shape)
        return frames
