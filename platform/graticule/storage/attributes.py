"""What an experiment knows of its movie, as stored in the root's attributes."""

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveFloat, PositiveInt

from graticule.core.calibration import Calibration


class Attributes(BaseModel):
    """The "graticule" attributes: shape (t, y, x), calibration, place in the source movie.

    ``frame_interval_s`` is the time between neighbouring frames of this experiment, which
    lie ``frame_step`` source frames apart.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    name: str
    shape: tuple[PositiveInt, PositiveInt, PositiveInt]
    dtype: str
    pixel_size_nm: PositiveFloat | None
    frame_interval_s: PositiveFloat | None
    first_frame: NonNegativeInt
    frame_step: PositiveInt
    crop_origin: tuple[NonNegativeInt, NonNegativeInt]

    @property
    def calibration(self) -> Calibration:
        """Pixel size and frame interval."""
        return Calibration(pixel_size_nm=self.pixel_size_nm, frame_interval_s=self.frame_interval_s)

    @property
    def numpy_dtype(self) -> np.dtype:
        """Type of the image's pixels."""
        return np.dtype(self.dtype)

    def source_frame(self, index: int) -> int:
        """Return the number, in the source movie, of a frame of the experiment."""
        return self.first_frame + index * self.frame_step

    def time_s(self, index: int) -> float | None:
        """Return the time of a frame since frame 0 of the source movie, ``None`` if unknown."""
        if self.frame_interval_s is None:
            return None
        return self.source_frame(index) / self.frame_step * self.frame_interval_s

    def difference(self, other: "Attributes") -> str | None:
        """Return the first attribute that differs, with both values, ``None`` where none does."""
        mine, theirs = self.model_dump(), other.model_dump()
        for key, value in mine.items():
            if theirs[key] != value:
                return f"{key} is {value}, not {theirs[key]}"
        return None
