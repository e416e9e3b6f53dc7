"""From an image and its labels to what a network is shown."""

import numpy as np
from jaxtyping import Bool, Float32, Int32, Integer, Num
from scipy import ndimage

from graticule.core.errors import InputError
from graticule.models.learned.normalise import measure_frame, normalised

RING_PX = 5
"""Width of the background around particles that they are compared with."""
_TABLE = 1 << 20
EIGHT = np.ones((3, 3), bool)
_BARE = "check the file, or take it and its labels out of the folder"


def prepared(pixels: Num[np.ndarray, "y x"], *, dark: bool, where: str) -> Float32[np.ndarray, "y x"]:
    """Return grey levels as networks see them.

    Args:
        pixels: A whole frame.
        dark: Whether its particles are darker than the background.
        where: The frame's name, for the message.

    Raises:
        InputError: If the frame is blank, or not finite.
    """
    statistics = measure_frame(pixels)
    if statistics["empty"]:
        if "blank" in statistics:
            raise InputError(f"{where} is blank: all its pixels are {pixels.flat[0]}; {_BARE}")
        raise InputError(f"{where} has pixels that are not finite; {_BARE}")
    return normalised(pixels, statistics, dark=dark)


def dark_particles(pixels: Num[np.ndarray, "y x"], labels: Int32[np.ndarray, "y x"]) -> bool | None:
    """Return whether particles are darker than what is just outside of them.

    Compared are the means in the particles and in a ring of :data:`RING_PX` around them, of
    the grey levels networks see (so single hot pixels count little). ``None`` where there is no
    particle, nothing else, or no grey level to compare.
    """
    inside = labels > 0
    ring = _grown(inside) & ~inside
    if not inside.any() or not ring.any():
        return None
    statistics = measure_frame(pixels)
    if statistics["empty"]:
        return None
    grey = normalised(pixels, statistics, dark=True)
    return bool(grey[inside].mean() <= grey[ring].mean())


def components(mask: Bool[np.ndarray, "y x"]) -> Int32[np.ndarray, "y x"]:
    """Return the mask's 8-connected components, 1 … n."""
    return np.asarray(ndimage.label(mask, EIGHT)[0], np.int32)


def compact(ids: Integer[np.ndarray, "y x"]) -> Int32[np.ndarray, "y x"]:
    """Return labels 1 … n in the order of ``ids``, integers from 0, which is background."""
    if int(ids.max(initial=0)) < _TABLE:
        used = np.bincount(ids.ravel()) > 0
        used[0] = False
        return np.asarray(np.cumsum(used, dtype=np.int32)[ids])
    values, places = np.unique(ids, return_inverse=True)
    return np.asarray(places.reshape(ids.shape) + int(values[0] != 0), np.int32)


def _grown(mask: Bool[np.ndarray, "y x"]) -> Bool[np.ndarray, "y x"]:
    wide = ndimage.maximum_filter(mask.view(np.uint8), size=2 * RING_PX + 1, mode="constant")
    return np.asarray(wide > 0)
