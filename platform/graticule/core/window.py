"""The unit of work: a run of frames and a box of pixels."""

from dataclasses import dataclass

from graticule.core.errors import ConfigError

Box = tuple[slice, slice]
"""Rows and columns, in pixels: ``(slice(y0, y1), slice(x0, x1))``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Frames [start, stop) times a box: read with a margin, written without.

    ``trusted`` lies between the two: the part of ``read`` whose neighbourhood was read
    in full, so that a filter's answer there is the one it would give on the whole frame.
    All boxes are in frame pixels: ``write`` within ``trusted`` within ``read``.
    """

    start: int
    stop: int
    read: Box
    trusted: Box
    write: Box

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ConfigError(f"a window needs at least one frame, got {self.start}:{self.stop}")

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.stop - self.start

    @property
    def key(self) -> str:
        """A name unique among the windows of one plan, fit for a file name."""
        y, x = self.write
        return f"t{self.start:07d}-{self.stop:07d}_y{y.start:06d}_x{x.start:06d}"


def relative(box: Box, origin: Box) -> Box:
    """Return ``box`` in the coordinates of ``origin``'s top-left corner."""
    (y, x), (oy, ox) = box, origin
    return (
        slice(y.start - oy.start, y.stop - oy.start),
        slice(x.start - ox.start, x.stop - ox.start),
    )


def whole(shape: tuple[int, int]) -> Box:
    """Return the box that covers a frame of ``shape`` (height, width)."""
    return slice(0, shape[0]), slice(0, shape[1])
