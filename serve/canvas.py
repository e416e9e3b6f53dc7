"""Images as people look at them: grey in 8 bits, and with what was found drawn over it.

A band of rows at a time, so that colours in floating point are never held for a whole image.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Num, UInt8, UInt32

from graticule.models.learned.normalise import measure_frame
from graticule.report.pen import painted

Pixels = Num[np.ndarray, "y x"]
_FILL = 0.3
_BAND_PIXELS = 2**18


def grey(pixels: Pixels) -> UInt8[np.ndarray, "y x"]:
    """Return pixels in 8 bits, stretched as networks see them."""
    out = np.zeros(pixels.shape, np.uint8)
    levels = measure_frame(pixels)
    if levels["empty"]:
        return out
    low, high = levels["low"], levels["high"]
    for rows in _bands(pixels.shape):
        scaled = (np.asarray(pixels[rows], np.float32) - low) * (255 / (high - low))
        out[rows] = np.clip(scaled, 0, 255)
    return out


def overlay(
    pixels: Pixels, labels: UInt32[np.ndarray, "y x"], *, check: Callable[[], None]
) -> UInt8[np.ndarray, "y x 3"]:
    """Return an RGB picture with bodies tinted and outlined; ``check`` is called in between and may raise."""
    below, width = grey(pixels), max(1, round(max(labels.shape) / 1024))
    canvas = np.empty((*labels.shape, 3), np.uint8)
    for rows in _bands(labels.shape):
        check()
        first = max(0, rows.start - width)
        read = slice(first, rows.stop + width)
        drawn = painted(below[read], labels[read], width=width, fill=_FILL)
        canvas[rows] = drawn[rows.start - first : rows.stop - first]
    return canvas


def _bands(shape: tuple[int, ...]) -> Iterator[slice]:
    step = max(64, _BAND_PIXELS // max(1, shape[1]))
    yield from (slice(first, min(first + step, shape[0])) for first in range(0, shape[0], step))
