"""Part of a movie: some frames, a crop, frames averaged in groups."""

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Num

from graticule.core.calibration import Calibration
from graticule.core.errors import ConfigError
from graticule.core.movie import Movie
from graticule.core.window import Box, whole
from graticule.io.calibrated import with_calibration

_SPAN = re.compile(r"\s*(\d*)\s*:\s*(\d*)\s*")
_RUN_BYTES = 64 << 20
"""Source pixels held at once while frames are averaged."""


def select(
    movie: Movie,
    *,
    frames: slice | None = None,
    crop: Box | None = None,
    average: int = 1,
    pixel_size_nm: float | None = None,
    frame_interval_s: float | None = None,
) -> Movie:
    """Return the part of ``movie`` that is asked for: first frames, then crop, then average.

    Args:
        movie: The whole movie.
        frames: Which frames, as Python slices; what lies beyond the end is left out.
        crop: Rows and columns, within the frame; open ends reach to its edge.
        average: Frames averaged into one (float32 mean); frames left over at the end are
            dropped with a note.
        pixel_size_nm: Put in place of the movie's own.
        frame_interval_s: Put in place of the movie's own, before averaging.

    Raises:
        ConfigError: If no frame is selected, the crop leaves the frame, or ``average`` is
            less than 1 or more than there are frames.
    """
    calibration = movie.calibration.overridden(pixel_size_nm=pixel_size_nm, frame_interval_s=frame_interval_s)
    movie = with_calibration(movie, calibration)
    first, count, beyond = _frames(movie, frames)
    if average < 1 or average > count:
        raise ConfigError(f"average {average} of {count} frames cannot be; give 1 to {count}")
    box = _crop(movie, crop)
    groups, left_over = divmod(count, average)
    if groups == movie.shape[0] and average == 1 and box == whole(movie.shape[1:]):
        return movie
    notes = list(beyond)
    if left_over:
        notes.append(f"{left_over} trailing frames dropped: {count} frames make {groups} groups of {average}")
    return SelectedMovie(
        movie=movie, first=first, count=groups, box=box, average=average, own_notes=tuple(notes)
    )  # fmt: skip


def parse_frames(text: str) -> slice:
    """Return the frames that ``"start:stop"`` names; either end may be left open.

    Raises:
        ConfigError: If the text is no such span.
    """
    return _span(text, what="frames", example="0:100, 50: or :100")


def parse_crop(text: str) -> Box:
    """Return the box that ``"y0:y1,x0:x1"`` names, in pixels; ends may be left open.

    Raises:
        ConfigError: If the text is no such pair of spans.
    """
    parts = text.split(",")
    example = "y0:y1,x0:x1, such as 0:960,: to cut off the rows from 960 on"
    if len(parts) != 2:
        raise ConfigError(f"crop {text!r} needs rows and columns: {example}")
    rows, columns = (_span(part, what="crop", example=example) for part in parts)
    return rows, columns


def _span(text: str, *, what: str, example: str) -> slice:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ConfigError(f"{what} {text!r} is no span of whole numbers; write {example}")
    start, stop = (int(part) if part else None for part in found.groups())
    if stop is not None and (start or 0) >= stop:
        raise ConfigError(f"{what} {text!r} selects nothing: the start must be less than the stop")
    return slice(start, stop)


def _frames(movie: Movie, frames: slice | None) -> tuple[int, int, tuple[str, ...]]:
    total = movie.shape[0]
    asked = frames or slice(None)
    if asked.step not in (None, 1):
        raise ConfigError(f"frames with a step of {asked.step} cannot be taken; give start:stop")
    first, stop, _ = asked.indices(total)
    if stop <= first:
        raise ConfigError(f"frames {_words(asked)} selects none of the {total} frames of {movie.files[0]}")
    if asked.stop is not None and asked.stop > total:
        return first, stop - first, (f"frames {_words(asked)} asked for; the movie has {total}",)
    return first, stop - first, ()


def _crop(movie: Movie, crop: Box | None) -> Box:
    frame = movie.shape[1:]
    if crop is None:
        return whole(frame)
    rows, columns = (
        slice(span.start or 0, edge if span.stop is None else span.stop)
        for span, edge in zip(crop, frame, strict=True)
    )
    for span, edge in ((rows, frame[0]), (columns, frame[1])):
        if not 0 <= span.start < span.stop <= edge:
            raise ConfigError(
                f"crop {_words(rows)},{_words(columns)} does not lie in the frame of"
                f" {frame[0]} x {frame[1]} px (rows x columns)"
            )
    return rows, columns


def _words(span: slice) -> str:
    return f"{'' if span.start is None else span.start}:{'' if span.stop is None else span.stop}"


@dataclass(frozen=True, kw_only=True, eq=False)
class SelectedMovie(Movie):
    """Frames [first, first + count * average) of a movie, cropped, each group averaged."""

    movie: Movie
    first: int
    count: int
    box: Box
    average: int
    own_notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rows, columns = self.box
        averaged = self.average > 1
        facts = {
            "name": self.movie.name,
            "files": self.movie.files,
            "shape": (self.count, rows.stop - rows.start, columns.stop - columns.start),
            "dtype": np.dtype(np.float32) if averaged else self.movie.dtype,
            "calibration": self._calibration(),
            "notes": (*self.movie.notes, *self.own_notes),
            "run_hint": max(1, -(-self.movie.run_hint // self.average)),
        }
        for fact, value in facts.items():
            object.__setattr__(self, fact, value)

    def read(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop) of the selection."""
        self._check_range(start, stop)
        if self.average == 1:
            return self._cropped(self.first + start, self.first + stop)
        frames = np.empty((stop - start, *self.shape[1:]), np.float32)
        for index in range(start, stop):
            frames[index - start] = self._mean(self.first + index * self.average)
        return frames

    def source_frame(self, index: int) -> int:
        """Return the source's number of the (first) frame that ``index`` stands for."""
        return self.movie.source_frame(self.first + index * self.average)

    def _calibration(self) -> Calibration:
        return self.movie.calibration.binned_in_time(self.average)

    def _cropped(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        # A contiguous copy lets the whole frames go.
        return np.ascontiguousarray(self.movie.read(start, stop)[(slice(None), *self.box)])

    def _mean(self, first: int) -> Num[np.ndarray, "y x"]:
        # Frame by frame in float64: the sum does not depend on how many are read at once.
        height, width = self.movie.shape[1:]
        run = max(1, _RUN_BYTES // (height * width * self.movie.dtype.itemsize))
        total = np.zeros(self.shape[1:], np.float64)
        stop = first + self.average
        for start in range(first, stop, run):
            for frame in self._cropped(start, min(start + run, stop)):
                total += frame
        return (total / self.average).astype(np.float32)
