"""Segment whole frames by way of windows, in one process."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Num, UInt32

from graticule.core.segmenter import Patch, Segmenter
from graticule.core.window import Window, relative
from graticule.tiling.part import part_of
from graticule.tiling.stitch import stitch
from graticule.tiling.windows import tile_windows


def segment_frames(
    segmenter: Segmenter, frames: Num[np.ndarray, "t y x"], *, tile: int = 512
) -> UInt32[np.ndarray, "t y x"]:
    """Return the instance labels of a few frames held in memory.

    Args:
        segmenter: Its options already adapted to the movie.
        frames: Grey frames; one at least.
        tile: Edge of the square a window writes, in pixels.
    """
    statistics = [segmenter.measure(frame) for frame in frames]
    parts = []
    for window, patch in patches_of(frames, segmenter, tile=tile):
        labels = segmenter.segment(patch, statistics).labels
        parts.append(part_of(window, labels[(slice(None), *patch.trusted)]))
    return stitch(parts, frames.shape[1:])


def patches_of(
    frames: Num[np.ndarray, "t y x"], segmenter: Segmenter, *, tile: int
) -> Iterator[tuple[Window, Patch]]:
    """Yield the windows of a few frames held in memory, each with what a segmenter is shown of it.

    Args:
        frames: Grey frames; one at least.
        segmenter: Says how much it must see around.
        tile: Edge of the square a window writes, in pixels.
    """
    windows = tile_windows(
        frames.shape[1:],
        frames=[(0, len(frames))],
        size=tile,
        context=segmenter.context,
        margin=segmenter.margin,
    )
    for window in windows:
        pixels = frames[(slice(None), *window.read)]
        yield window, Patch(pixels=pixels, trusted=relative(window.trusted, window.read))
