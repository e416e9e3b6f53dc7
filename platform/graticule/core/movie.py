"""A movie is read lazily, a run of frames at a time."""

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Num

from graticule.core.calibration import Calibration


class Movie(ABC):
    """A lazily read sequence of grey frames (t, y, x) with its calibration.

    Movies travel to remote workers: they pickle small (paths, not pixels) and open
    their files on first use. ``dtype`` is a native-endian integer or float type.
    """

    name: str
    """What the movie is called: the file's or folder's stem."""
    files: tuple[str, ...]
    """Every file the frames come from, in reading order; paths or URLs."""
    shape: tuple[int, int, int]
    """Frames, height, width."""
    dtype: np.dtype
    calibration: Calibration
    notes: tuple[str, ...] = ()
    """Lines the user should read once: files ignored, why a scale is unknown."""
    run_hint: int = 1
    """Frames that are cheapest read in order by one reader (a video's key-frame distance)."""

    @abstractmethod
    def read(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop), costing memory for those frames only.

        Raises:
            InputError: If a file is damaged or does not fit the others; names the file.
            IndexError: If the range leaves the movie.
        """

    def source_frame(self, index: int) -> int:
        """Return the number, in the source movie, of the frame at ``index``."""
        return index

    def _check_range(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop <= self.shape[0]:
            raise IndexError(f"frames {start}:{stop} of a movie with {self.shape[0]} frames")
