"""Cut frames into windows whose write boxes cover every pixel exactly once.

A window *reads* most, *trusts* less and *writes* least, see ``DESIGN.md``. Pixels, (y, x).
"""

from collections.abc import Iterable, Iterator
from itertools import product

from graticule.core.errors import ConfigError
from graticule.core.window import Box, Window

BAND = 8
"""Width in pixels of the frame around a write box in which two windows are compared."""


def tile_windows(
    shape: tuple[int, int],
    *,
    frames: Iterable[tuple[int, int]] | tuple[int, int],
    size: int,
    context: int,
    margin: int,
) -> Iterator[Window]:
    """Yield the windows of a movie, run by run, each run row by row.

    Args:
        shape: Frame height and width, in pixels.
        frames: Runs of frames ``(start, stop)``, or a single run.
        size: Edge of the square a window writes, in pixels; smaller at the frame's far edges.
        context: Pixels at a cut edge whose neighbourhood is incomplete (filter radius).
        margin: Width in pixels of the widest particle that must not feel the tiling.

    Raises:
        ConfigError: If ``size`` is not positive, or ``context`` or ``margin`` is negative.
    """
    if size <= 0 or context < 0 or margin < 0:
        raise ConfigError(f"need size > 0, context >= 0 and margin >= 0, got {size=} {context=} {margin=}")
    for start, stop in _runs(frames):
        for y, x in product(range(0, shape[0], size), range(0, shape[1], size)):
            write = slice(y, min(y + size, shape[0])), slice(x, min(x + size, shape[1]))
            trusted = grown(write, margin + BAND + 1, shape)
            read = grown(trusted, context, shape)
            yield Window(start=start, stop=stop, read=read, trusted=trusted, write=write)


def grown(box: Box, by: int, shape: tuple[int, int]) -> Box:
    """Return ``box`` grown by ``by`` pixels on every side, clipped to a frame of ``shape``."""
    y, x = (slice(max(s.start - by, 0), min(s.stop + by, end)) for s, end in zip(box, shape, strict=True))
    return y, x


def _runs(frames: Iterable[tuple[int, int]] | tuple[int, int]) -> list[tuple[int, int]]:
    items = list(frames)
    if len(items) == 2 and all(isinstance(item, int) for item in items):
        return [(items[0], items[1])]  # type: ignore[list-item]
    return items  # type: ignore[return-value]
