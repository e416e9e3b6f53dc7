"""A frame made ready for correlation: binned, flattened, windowed, transformed once.

The window keeps the frame's edges from correlating with themselves. A band-pass (difference
of two Gaussians, as a transfer function) then drops the illumination, which is fixed to the
detector and would pull every shift to zero, and the shot noise above the particles' scale.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Complex64, Float32, Num
from scipy import fft
from scipy.signal.windows import tukey

LONGEST_EDGE_PX = 1024
"""Frames with a longer edge are binned to at most this."""
_TAPER = 0.25


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Spectrum:
    """Fourier transform of a frame whose pixels were binned ``bin_px`` x ``bin_px``.

    ``flat`` is the frame without mean and scale, before the window.
    """

    values: Complex64[np.ndarray, "y x"]
    flat: Float32[np.ndarray, "y x"]
    bin_px: int


def spectrum(frame: Num[np.ndarray, "y x"]) -> Spectrum | None:
    """Return the spectrum of a frame, ``None`` when there is nothing to correlate.

    That is a frame without contrast, or one with more than half its pixels not finite;
    fewer of those are replaced by the mean.
    """
    bin_px = -(-max(frame.shape) // LONGEST_EDGE_PX)
    flat = _flattened(_binned(frame, bin_px))
    if flat is None:
        return None
    return Spectrum(values=_transformed(flat), flat=flat, bin_px=bin_px)


def moved_back(frame: Spectrum, dy: int, dx: int) -> Complex64[np.ndarray, "y x"]:
    """Return the transform of a frame whose content is moved by (-dy, -dx) under the window."""
    flat = np.zeros_like(frame.flat)
    (to_y, from_y), (to_x, from_x) = (
        _overlapping(move, size) for move, size in zip((dy, dx), flat.shape, strict=True)
    )
    flat[to_y, to_x] = frame.flat[from_y, from_x]
    return _transformed(flat)


@lru_cache(maxsize=8)
def band(shape: tuple[int, int], fine_px: float, coarse_px: float) -> Float32[np.ndarray, "y x"]:
    """Return the transfer function of a difference of Gaussians of two sigmas, in binned pixels."""
    fy, fx = fft.fftfreq(shape[0])[:, None], fft.fftfreq(shape[1])[None, :]
    exponent = -2 * np.pi**2 * (fy**2 + fx**2)
    return np.asarray(np.exp(exponent * fine_px**2) - np.exp(exponent * coarse_px**2), np.float32)


def _transformed(flat: Float32[np.ndarray, "y x"]) -> Complex64[np.ndarray, "y x"]:
    values: np.ndarray = fft.fft2(flat * _window(flat.shape), workers=1)
    return values


def _overlapping(move: int, size: int) -> tuple[slice, slice]:
    return slice(max(-move, 0), size - max(move, 0)), slice(max(move, 0), size + min(move, 0))


def _binned(frame: Num[np.ndarray, "y x"], n: int) -> Float32[np.ndarray, "v u"]:
    if n == 1:
        return frame.astype(np.float32)
    height, width = frame.shape[0] // n, frame.shape[1] // n
    blocks = frame[: height * n, : width * n].reshape(height, n, width, n)
    mean: np.ndarray = blocks.mean(axis=(1, 3), dtype=np.float64)
    return mean.astype(np.float32)


def _flattened(frame: Float32[np.ndarray, "y x"]) -> Float32[np.ndarray, "y x"] | None:
    finite = np.isfinite(frame)
    if 2 * np.count_nonzero(finite) <= frame.size:
        return None
    mean = frame.mean(dtype=np.float64, where=finite)
    deviation = np.where(finite, frame - np.float32(mean), np.float32(0))
    spread = float(deviation.std(dtype=np.float64))
    return deviation / np.float32(spread) if spread > 0 else None


@lru_cache(maxsize=8)
def _window(shape: tuple[int, int]) -> Float32[np.ndarray, "y x"]:
    return np.outer(tukey(shape[0], _TAPER), tukey(shape[1], _TAPER)).astype(np.float32)
