"""Segment a patch that is too large for one look by way of windows of its own."""

from collections.abc import Callable, Sequence

import numpy as np

from graticule.core.segmenter import Patch, Segmentation, Segmenter, Statistics
from graticule.core.window import relative
from graticule.tiling import numbered_in_raster_order, part_of, stitch, tile_windows

LARGEST_PX = 2048
"""Edge of the largest patch that is looked at as a whole."""
PIECE_PX = 1024

Look = Callable[[Patch, Sequence[Statistics]], Segmentation]


def in_pieces(
    segmenter: Segmenter, look: Look, patch: Patch, statistics: Sequence[Statistics]
) -> Segmentation:
    """Return what ``look`` says of a patch, in one look where it is small enough."""
    frames, height, width = patch.pixels.shape
    if max(height, width) <= LARGEST_PX:
        return look(patch, statistics)
    parts = []
    foreground = np.zeros(patch.pixels.shape, np.float32)
    for window in tile_windows(
        (height, width),
        frames=[(0, frames)],
        size=PIECE_PX,
        context=segmenter.context,
        margin=segmenter.margin,
    ):
        trusted = relative(window.trusted, window.read)
        piece = Patch(pixels=patch.pixels[(slice(None), *window.read)], trusted=trusted)
        answer = look(piece, statistics)
        parts.append(part_of(window, answer.labels[(slice(None), *trusted)]))
        own = relative(window.write, window.read)
        foreground[(slice(None), *window.write)] = answer.foreground[(slice(None), *own)]
    return _trusted_only(stitch(parts, (height, width)), foreground, patch)


def _trusted_only(labels: np.ndarray, foreground: np.ndarray, patch: Patch) -> Segmentation:
    inside = (slice(None), *patch.trusted)
    kept = Segmentation(labels=np.zeros_like(labels), foreground=np.zeros_like(foreground))
    kept.labels[inside] = numbered_in_raster_order(np.ascontiguousarray(labels[inside]))
    kept.foreground[inside] = foreground[inside]
    return kept
