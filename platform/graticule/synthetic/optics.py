"""What the microscope makes of a specimen: contrast transfer, film grain, illumination.

Both film and particles pass one contrast transfer function with the phase chi(q) =
pi lambda defocus q^2 (no spherical aberration) and a Gaussian envelope that stands for
partial coherence and the detector's MTF. The amorphous film is mostly a phase object and
shows sin(chi): a grain with a preferred size. Particles show amplitude contrast, cos(chi),
too: they are dark, with a bright Fresnel rim. Reimer and Kohl, *Transmission Electron
Microscopy*, 5th ed., section 6.4.
"""

import numpy as np
from jaxtyping import Float, Float32
from scipy import fft

from graticule.synthetic.presets import Preset

DEFOCUS_PX2 = 9.0
"""Wavelength times defocus, in square pixels: fringes are about its root wide."""
_ENVELOPE_PER_PX = 0.25
_PHASE_RATIO = 1.8
_FILM_ABSORPTION = 0.35
_SLOW_CONTRAST = 0.012
_SLOW_PX = 45.0
_BOWL = 0.35


def frequencies(shape: tuple[int, int]) -> Float32[np.ndarray, "y x_half"]:
    """Return the spatial frequency of each coefficient of a real FFT, per pixel."""
    fy, fx = np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1])
    q: Float32[np.ndarray, "y x_half"] = np.hypot(fy[:, None], fx).astype(np.float32)
    return q


def particle_transfer(shape: tuple[int, int]) -> Float32[np.ndarray, "y x_half"]:
    """Return the factor that turns a thickness's spectrum into its image's; 1 at rest."""
    q = frequencies(shape)
    chi = np.pi * DEFOCUS_PX2 * q**2
    # the phase part is damped towards zero frequency, where only absorption is seen
    mixed = np.cos(chi) + _PHASE_RATIO * np.sin(chi) * np.minimum(q / 0.02, 1)
    transfer: Float32[np.ndarray, "y x_half"] = (mixed * _envelope(q)).astype(np.float32)
    return transfer


class Film:
    """Amorphous carbon, periodic, fixed to the specimen: relative intensity around 0."""

    def __init__(self, preset: Preset, period: tuple[int, int], seed: int) -> None:
        noise = np.random.default_rng([seed, 1]).standard_normal(period, dtype=np.float32)
        q = frequencies(period)
        spectrum = fft.rfft2(noise)
        chi = np.pi * DEFOCUS_PX2 * q**2
        mixed = np.sin(chi) + _FILM_ABSORPTION * np.cos(chi) * (q > 0)
        grain = fft.irfft2(spectrum * mixed * _envelope(q), period)
        slow = fft.irfft2(spectrum * np.exp(-2 * (np.pi * _SLOW_PX * q) ** 2) * (q > 0), period)
        film = preset.film_contrast * grain / grain.std() + _SLOW_CONTRAST * slow / slow.std()
        self._splines = _spline_coefficients(film)

    def seen(self, view: tuple[int, int], drift_px: Float[np.ndarray, " 2"]) -> Float32[np.ndarray, "y x"]:
        """Return the film in a view from which the specimen has drifted by ``drift_px``.

        Cubic B-spline interpolation: the grain does not blur and sharpen with the drift.
        """
        start = np.floor(-drift_px).astype(np.int64)
        weights = [_cubic_weights(float(fraction)) for fraction in -drift_px - start]
        rows, columns = (
            (start[axis] - 1 + np.arange(view[axis] + 3)) % self._splines.shape[axis] for axis in (0, 1)
        )
        patch = self._splines[rows][:, columns]
        patch = sum(weights[0][k] * patch[k : k + view[0]] for k in range(4))
        seen: Float32[np.ndarray, "y x"] = sum(weights[1][k] * patch[:, k : k + view[1]] for k in range(4))
        return seen


def illumination(preset: Preset, view: tuple[int, int], seed: int) -> Float32[np.ndarray, "y x"]:
    """Return the beam over the detector: mean 1, ``preset.gradient`` from darkest to brightest."""
    angle = np.random.default_rng([seed, 2]).uniform(0, 2 * np.pi)
    y, x = (np.linspace(-0.5, 0.5, length)[:, None] for length in view)
    ramp = np.sin(angle) * y + np.cos(angle) * x.T
    light = ramp - _BOWL * (y**2 + x.T**2)
    light = preset.gradient * light / np.ptp(light)
    beam: Float32[np.ndarray, "y x"] = (1 + light - light.mean()).astype(np.float32)
    return beam


def _envelope(q: Float32[np.ndarray, "y x_half"]) -> Float32[np.ndarray, "y x_half"]:
    envelope: Float32[np.ndarray, "y x_half"] = np.exp(-((q / _ENVELOPE_PER_PX) ** 2) / 2)
    return envelope


def _spline_coefficients(periodic: Float32[np.ndarray, "y x"]) -> Float32[np.ndarray, "y x"]:
    fy, fx = np.fft.fftfreq(periodic.shape[0]), np.fft.rfftfreq(periodic.shape[1])
    gain = [(4 + 2 * np.cos(2 * np.pi * f)) / 6 for f in (fy, fx)]
    spectrum = fft.rfft2(periodic) / (gain[0][:, None] * gain[1]).astype(np.float32)
    return np.ascontiguousarray(fft.irfft2(spectrum, periodic.shape).astype(np.float32))


def _cubic_weights(fraction: float) -> Float32[np.ndarray, " 4"]:
    t = fraction
    weights = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    return np.array(weights, dtype=np.float32) / 6
