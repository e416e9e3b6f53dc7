"""A movie with another calibration."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Num

from graticule.core.calibration import Calibration
from graticule.core.movie import Movie
from graticule.io.scale import INTERVAL_UNKNOWN, PIXEL_UNKNOWN


def with_calibration(movie: Movie, calibration: Calibration) -> Movie:
    """Return ``movie`` with this calibration; notes on what is no longer unknown are left out."""
    return movie if calibration == movie.calibration else CalibratedMovie(movie, calibration)


@dataclass(frozen=True, eq=False)
class CalibratedMovie(Movie):
    """A movie with the calibration that the user gives."""

    movie: Movie
    calibration: Calibration

    def __post_init__(self) -> None:
        for fact in ("name", "files", "shape", "dtype", "run_hint"):
            object.__setattr__(self, fact, getattr(self.movie, fact))
        object.__setattr__(self, "notes", _still_true(self.movie.notes, self.calibration))

    def read(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop) of the movie."""
        return self.movie.read(start, stop)

    def source_frame(self, index: int) -> int:
        """Return the number of a frame in the source movie."""
        return self.movie.source_frame(index)


def _still_true(notes: tuple[str, ...], calibration: Calibration) -> tuple[str, ...]:
    settled = tuple(
        start
        for start, value in (
            (PIXEL_UNKNOWN, calibration.pixel_size_nm),
            (INTERVAL_UNKNOWN, calibration.frame_interval_s),
        )
        if value is not None
    )
    return tuple(note for note in notes if not note.startswith(settled)) if settled else notes
