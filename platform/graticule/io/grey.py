"""Any pixel to grey, and any stored type to a native one."""

import numpy as np
from jaxtyping import Float, Num, Shaped

from graticule.core.errors import InputError

REC601 = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in luma. Source: ITU-R BT.601-7, section 2.5.1."""


def grey_type(stored: np.dtype, *, where: str) -> np.dtype:
    """Return the type of a movie whose file stores ``stored``: native, numeric.

    Raises:
        InputError: If the pixels are complex, or no numbers.
    """
    if stored.kind == "b":
        return np.dtype(np.uint8)
    if stored.kind == "c":
        raise InputError(f"{where} holds complex pixels ({stored}); save its amplitude or phase as a movie")
    if stored.kind not in "iuf":
        raise InputError(f"{where} holds pixels of type {stored}, which are no intensities")
    return stored.newbyteorder("=")


def native(pixels: Shaped[np.ndarray, "*n"]) -> Num[np.ndarray, "*n"]:
    """Return pixels in a native numeric type; a copy only where that must be."""
    return np.ascontiguousarray(pixels).astype(grey_type(pixels.dtype, where="the file"), copy=False)


def to_grey(pixels: Shaped[np.ndarray, "*frame channels"]) -> Num[np.ndarray, "*frame"]:
    """Return the grey value of pixels with 1 to 4 channels last; alpha is left out.

    Where all channels agree, as in a grey picture saved in colour, the value is theirs
    exactly; else it is the Rec. 601 luma, rounded in integer types.

    Raises:
        InputError: If there are more than 4 channels.
    """
    channels = pixels.shape[-1]
    if channels > 4:
        raise InputError(f"pixels with {channels} channels are no colours; save one channel as a movie")
    pixels = native(pixels)
    if channels < 3:
        return np.ascontiguousarray(pixels[..., 0])
    red, green, blue = (pixels[..., index] for index in range(3))
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return np.ascontiguousarray(red)
    luma = _luma(red, green, blue)
    if pixels.dtype.kind == "f":
        return luma.astype(pixels.dtype)
    return np.asarray(np.rint(luma)).astype(pixels.dtype)


def _luma(
    red: Num[np.ndarray, "*n"], green: Num[np.ndarray, "*n"], blue: Num[np.ndarray, "*n"]
) -> Float[np.ndarray, "*n"]:
    kind = np.float32 if red.dtype.itemsize <= 2 else np.float64
    luma: Float[np.ndarray, "*n"] = red * kind(REC601[0])
    luma += (green * kind(REC601[1])).astype(kind, copy=False)
    luma += (blue * kind(REC601[2])).astype(kind, copy=False)
    return luma


def cmyk_to_grey(inks: Num[np.ndarray, "y x 4"]) -> Num[np.ndarray, "y x"]:
    """Return the grey value of 8-bit CMYK as JPEG stores it (Adobe: inverted, 255 is no ink)."""
    colour = inks[..., :3].astype(np.uint16) * inks[..., 3:] + 127
    return to_grey((colour // 255).astype(np.uint8))
