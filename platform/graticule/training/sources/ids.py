"""Ids in label files: a pixel's id is its value; in pictures with colour it is the colour.

Black is background, 0. An alpha channel says nothing.
"""

import io

import imagecodecs
import numpy as np
import tifffile
from jaxtyping import Integer, Shaped

from graticule.core.errors import InputError
from graticule.io import places
from graticule.io.pictures import JPEG, PICTURES, PNG
from graticule.io.tiff import read_stack

REMEDY = (
    "save 0 for background and one other value for particles, or ids 1, 2, … of particles, as PNG or TIFF"
)
COLOURS_FROM = 1 << 32
"""Ids from here on are colours."""


def read_ids(path: str) -> Integer[np.ndarray, "y x"]:
    """Return a file's ids, from 0.

    Raises:
        InputError: If it cannot be read, or values are negative or no whole numbers.
    """
    pixels = _decoded(path)
    if pixels.ndim == 3:
        pixels = _colour_ids(pixels, path) if pixels.shape[-1] >= 3 else pixels[..., 0]
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8)
    if pixels.dtype.kind == "f":
        if not (np.isfinite(pixels).all() and (pixels == np.rint(pixels)).all()):
            raise InputError(f"{path} holds values that are no whole numbers; {REMEDY}")
        pixels = pixels.astype(np.int64)
    if pixels.dtype.kind not in "iu" or int(pixels.min(initial=0)) < 0:
        raise InputError(f"{path} holds negative or complex values, which are no ids; {REMEDY}")
    return pixels


def _colour_ids(pixels: Shaped[np.ndarray, "y x c"], path: str) -> Shaped[np.ndarray, "y x"]:
    red, green, blue = (pixels[..., channel] for channel in range(3))
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return red
    if pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise InputError(f"{path} has colours of type {pixels.dtype}; {REMEDY}")
    return (red.astype(np.int64) << 32) | (green.astype(np.int64) << 16) | blue.astype(np.int64)


def _decoded(path: str) -> Shaped[np.ndarray, "..."]:
    kind = PICTURES[places.extension(path)]
    if kind not in (PNG, JPEG):
        return _decoded_tiff(path)
    content = places.read_whole(path)
    if not content:
        raise InputError(f"{path} is empty (0 bytes); copy the file again")
    with places.decoding(path, "copy or save it again"):
        return np.asarray((imagecodecs.png_decode if kind == PNG else imagecodecs.jpeg8_decode)(content))


def _decoded_tiff(path: str) -> Shaped[np.ndarray, "..."]:
    """Return one page: as readers of images give it, or its colours."""
    stack = read_stack(path)
    if stack.frames != 1:
        raise InputError(f"{path} holds {stack.frames} pages; save each as a picture of its own")
    with (
        places.decoding(path, "save it again, as PNG"),
        tifffile.TiffFile(io.BytesIO(places.read_whole(path))) as tif,
    ):
        page = tif.pages.first
        if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
            return np.asarray(page.asrgb())
        if page.samplesperpixel < 3:
            return np.asarray(stack.source.read(0, 1)[0])
        pixels = np.asarray(page.asarray())
        return np.moveaxis(pixels, 0, -1) if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE else pixels
