"""Smoothing whose answer at a pixel depends on its neighbourhood alone.

Bit for bit the same in a window as in the frame, wherever the window reaches ``radius``
pixels further; so no running sums and no Fourier transforms here.
"""

import numpy as np
from jaxtyping import Float32
from scipy import ndimage

_TRUNCATE = 4.0
_DIRECT_SIGMA = 10.0
_FINE_SHARE = 0.15
_STEP_SHARE = 0.15


def blur(image: Float32[np.ndarray, "y x"], sigma_px: float) -> Float32[np.ndarray, "y x"]:
    """Return ``image`` under a Gaussian; beyond the frame's edge lies its mirror image."""
    if sigma_px <= _DIRECT_SIGMA:
        return np.asarray(ndimage.gaussian_filter(image, sigma_px, mode="reflect", truncate=_TRUNCATE))
    fine, step, taps = _wide_plan(sigma_px)
    smooth = ndimage.gaussian_filter(image, fine, mode="reflect", truncate=_TRUNCATE)
    for axis in (0, 1):
        smooth = _strided(smooth, taps, step, axis)
    return np.asarray(smooth)


def blur_radius(sigma_px: float) -> int:
    """Return how far, in pixels, :func:`blur` looks."""
    if sigma_px <= _DIRECT_SIGMA:
        return int(_TRUNCATE * sigma_px + 0.5)
    fine, step, taps = _wide_plan(sigma_px)
    return int(_TRUNCATE * fine + 0.5) + step * (taps.size - 1)


def noise_gain(length: int, sigma_px: float) -> Float32[np.ndarray, " length"]:
    """Return how much more noise :func:`blur` leaves along an axis than deep inside; 1 there.

    White noise meets its own mirror image at the edge: sqrt(2) there.
    """
    radius = int(_TRUNCATE * sigma_px + 0.5)
    if radius == 0:
        return np.ones(length, np.float32)
    taps = np.pad(_gaussian_taps(sigma_px, radius), (radius, 0), mode="reflect")
    at = np.arange(min(length, radius))[:, None] + np.arange(-radius, radius + 1)
    at = np.abs(at + 0.5).astype(np.int64)  # the mirror image of -1 is 0
    weights = np.zeros((len(at), 2 * radius + 1))
    np.add.at(weights, (np.arange(len(at))[:, None], at), taps)
    near = np.sqrt((weights**2).sum(axis=1) / (taps**2).sum())
    gain = np.ones(length)
    gain[: len(near)] *= near
    gain[length - len(near) :] *= near[::-1]
    return gain.astype(np.float32)


def band_pass(
    image: Float32[np.ndarray, "y x"], *, sigma_px: float, background_px: float | None
) -> Float32[np.ndarray, "y x"]:
    """Return the difference of two Gaussians; of the narrow one alone without a background."""
    smooth = blur(image, sigma_px)
    if background_px is not None:
        smooth -= blur(image, background_px)
    return smooth


def band_pass_radius(*, sigma_px: float, background_px: float | None) -> int:
    """Return how far, in pixels, :func:`band_pass` looks."""
    return max(blur_radius(sigma_px), blur_radius(background_px or 0.0))


def _wide_plan(sigma_px: float) -> tuple[float, int, np.ndarray]:
    """Plan a wide Gaussian as a narrow one followed by a sparse one.

    After the narrow one nothing is left that taps every ``step`` pixels could miss.
    Returned are the narrow sigma, the step, and one half of the taps, centre first.
    """
    fine, step = _FINE_SHARE * sigma_px, int(_STEP_SHARE * sigma_px)
    rest = np.sqrt(sigma_px**2 - fine**2) / step
    half = np.exp(-0.5 * (np.arange(int(3.0 * rest + 0.5) + 1) / rest) ** 2)
    return fine, step, (half / (half[0] + 2 * half[1:].sum())).astype(np.float32)


def _strided(image: np.ndarray, taps: np.ndarray, step: int, axis: int) -> np.ndarray:
    reach, length = step * (taps.size - 1), image.shape[axis]
    width = [(0, 0), (0, 0)]
    width[axis] = (reach, reach)
    padded = np.moveaxis(np.pad(image, width, mode="symmetric"), axis, 0)
    out = taps[0] * padded[reach : reach + length]
    for k, tap in enumerate(taps[1:], start=1):
        left, right = reach - k * step, reach + k * step
        out += tap * (padded[left : left + length] + padded[right : right + length])
    return np.moveaxis(out, 0, axis)


def _gaussian_taps(sigma_px: float, radius: int) -> Float32[np.ndarray, " taps"]:
    """Return one half of a Gaussian, centre first; the whole of it sums to 1."""
    half = np.exp(-0.5 * (np.arange(radius + 1) / sigma_px) ** 2)
    return np.asarray(half / (half[0] + 2 * half[1:].sum()), np.float32)
