"""Segment whole frames by way of windows, in one process."""

import numpy as np
from jaxtyping import Num, UInt32

from graticule.core.segmenter import Patch, Segmenter
from graticule.core.window import relative
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
    count, height, width = frames.shape
    statistics = [segmenter.measure(frame) for frame in frames]
    windows = tile_windows(
        (height, width),
        frames=[(0, count)],
        size=tile,
        context=segmenter.context,
        margin=segmenter.margin,
    )
    parts = []
    for window in windows:
        patch = Patch(
            pixels=frames[(slice(None), *window.read)],
            trusted=relative(window.trusted, window.read),
        )
        labels = segmenter.segment(patch, statistics).labels
        parts.append(part_of(window, labels[(slice(None), *patch.trusted)]))
    return stitch(parts, (height, width))
