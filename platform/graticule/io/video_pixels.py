"""A decoded video frame -> grey values.

Luma is what a camera's grey became when it was made a video; it is taken as it is, and
spread from the studio range (16 to 235 in 8 bit) to the full one. Source: ITU-R BT.601-7, 2.5.3.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Num, UInt

from graticule.io.grey import native, to_grey

_FULL_RANGE = 2
_LUMA_FIRST = ("yuv4", "yuva4", "yuvj4", "nv12", "nv16", "nv21", "nv24", "p010", "p016")
_PACKED = {"yuyv422": "yuv422p", "uyvy422": "yuv422p", "yvyu422": "yuv422p", "y210le": "yuv422p10le"}


def frame_type(pixel_format: Any) -> np.dtype:
    """Return uint8, or uint16 for videos of more than 8 bit."""
    return np.dtype(np.uint8 if _bits(pixel_format) <= 8 else np.uint16)


def to_pixels(frame: Any) -> Num[np.ndarray, "y x"]:
    """Return the grey values of a decoded frame."""
    name = frame.format.name
    if name in _PACKED:
        frame = _reformatted(frame, _PACKED[name])
        name = frame.format.name
    if name.startswith(_LUMA_FIRST):
        return _spread(_first_plane(frame), bits=_bits(frame.format), is_full=_is_full(frame, name))
    if name.startswith("gray"):
        return native(_first_plane(frame))
    deep = _bits(frame.format) > 8
    return to_grey(_reformatted(frame, "rgb48le" if deep else "rgb24").to_ndarray())


def _reformatted(frame: Any, pixel_format: str) -> Any:
    # FFmpeg's own threads leave rows of some deep formats wrong, differently each time.
    return frame.reformat(format=pixel_format, threads=1)


def _bits(pixel_format: Any) -> int:
    return max(int(component.bits) for component in pixel_format.components)


def _is_full(frame: Any, name: str) -> bool:
    return name.startswith("yuvj") or int(frame.color_range) == _FULL_RANGE


def _first_plane(frame: Any) -> UInt[np.ndarray, "y x"]:
    plane, bits = frame.planes[0], _bits(frame.format)
    order = ">" if frame.format.is_big_endian else "<"
    stored = np.dtype(np.uint8) if bits <= 8 else np.dtype(f"{order}u2")
    rows = np.frombuffer(plane, stored).reshape(-1, plane.line_size // stored.itemsize)
    values: UInt[np.ndarray, "y x"] = rows[: frame.height, : frame.width].astype(stored.newbyteorder("="))
    if frame.format.name.startswith("p01"):
        values >>= 16 - bits  # p010 and p016 keep their bits at the top of 16
    return values


def _spread(luma: UInt[np.ndarray, "y x"], *, bits: int, is_full: bool) -> UInt[np.ndarray, "y x"]:
    if is_full:
        return luma
    spread: UInt[np.ndarray, "y x"] = np.take(_studio_table(bits), luma)
    return spread


@lru_cache(maxsize=8)
def _studio_table(bits: int) -> UInt[np.ndarray, " values"]:
    black, white, most = 16 << (bits - 8), 235 << (bits - 8), (1 << bits) - 1
    values = (np.arange(most + 1) - black) * (most / (white - black))
    table: UInt[np.ndarray, " values"] = np.clip(np.rint(values), 0, most).astype(
        np.uint8 if bits <= 8 else np.uint16
    )
    return table
