"""One picture: PNG, JPEG or a TIFF page -> a grey frame.

Headers are read without decoding. Source: PNG, 3rd edition, 11.2.1 (IHDR).
"""

import struct
from dataclasses import dataclass

import imagecodecs
import numpy as np
from jaxtyping import Num

from graticule.core.calibration import Calibration
from graticule.core.errors import InputError
from graticule.io import places
from graticule.io.grey import cmyk_to_grey, native, to_grey
from graticule.io.jpeg import frame_header, is_whole
from graticule.io.opened import UNKNOWN
from graticule.io.tiff import read_stack

PNG, JPEG, TIFF = "png", "jpeg", "tiff"
PICTURES = {".png": PNG, ".jpg": JPEG, ".jpeg": JPEG, ".tif": TIFF, ".tiff": TIFF}

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_REMEDY = "copy the file again, or take it out of the folder"
_HEAD = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a picture is, known before it is decoded."""

    shape: tuple[int, int]
    dtype: np.dtype
    pages: int = 1
    calibration: Calibration = UNKNOWN
    notes: tuple[str, ...] = ()


def read_header(path: str) -> Header:
    """Return a picture's header.

    Raises:
        InputError: If the file is empty, or not the picture its name says.
    """
    kind = PICTURES[places.extension(path)]
    if kind == TIFF:
        stack = read_stack(path)
        return Header(
            shape=stack.shape, dtype=stack.dtype, pages=stack.frames,
            calibration=stack.calibration, notes=stack.notes,
        )  # fmt: skip
    with places.readable(path), places.open_file(path) as file:
        head = file.read(_HEAD)
        try:
            return _png_header(path, head) if kind == PNG else _jpeg_header(path, head)
        except (struct.error, IndexError):
            if len(head) == _HEAD:  # a colour profile or a preview can push the frame header far back
                return _jpeg_header(path, head + file.read())
            raise _broken(path, "its header is not whole") from None


def read_picture(path: str) -> Num[np.ndarray, "y x"]:
    """Return a picture's grey values.

    Raises:
        InputError: If the file is damaged; names it.
    """
    kind = PICTURES[places.extension(path)]
    if kind == TIFF:
        stack = read_stack(path)
        if stack.frames != 1:
            raise InputError(f"{path} holds {stack.frames} pages where the first file holds one; {_REMEDY}")
        only: Num[np.ndarray, "y x"] = stack.source.read(0, 1)[0]
        return only
    content = places.read_whole(path)
    if not content:
        raise _broken(path, "it is empty")
    with places.decoding(path, _REMEDY):
        return _decode_png(content) if kind == PNG else _decode_jpeg(path, content)


def _decode_png(content: bytes) -> Num[np.ndarray, "y x"]:
    pixels = imagecodecs.png_decode(content)
    return native(pixels) if pixels.ndim == 2 else to_grey(pixels)


def _decode_jpeg(path: str, content: bytes) -> Num[np.ndarray, "y x"]:
    if not is_whole(content):
        raise _broken(path, "it ends before its last pixel")
    if frame_header(content).channels == 4:
        return cmyk_to_grey(imagecodecs.jpeg8_decode(content, outcolorspace="CMYK"))
    return native(imagecodecs.jpeg8_decode(content, outcolorspace="GRAYSCALE"))


def _png_header(path: str, head: bytes) -> Header:
    if not head.startswith(_PNG_MAGIC):
        raise _broken(path, "it is no PNG picture" if head else "it is empty")
    width, height, depth = struct.unpack_from(">IIB", head, 16)
    return Header(shape=(height, width), dtype=np.dtype(np.uint16 if depth == 16 else np.uint8))


def _jpeg_header(path: str, head: bytes) -> Header:
    if not head.startswith(b"\xff\xd8"):
        raise _broken(path, "it is no JPEG picture" if head else "it is empty")
    frame = frame_header(head)
    if frame.bits != 8:
        raise _broken(path, f"a JPEG of {frame.bits} bit cannot be read")
    return Header(shape=(frame.height, frame.width), dtype=np.dtype(np.uint8))


def _broken(path: str, why: str) -> InputError:
    return InputError(f"{path} is no picture that can be read: {why}; {_REMEDY}")
