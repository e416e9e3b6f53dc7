"""Frames as the detector counts them."""

import numpy as np
from jaxtyping import Float, Float32, UInt16
from scipy import fft

from graticule.core.window import Box
from graticule.synthetic import optics
from graticule.synthetic.bodies import Field
from graticule.synthetic.presets import Preset
from graticule.synthetic.raster import Cover

_PAD_PX = 24
_DIMMEST = 0.02


class Camera:
    """Turns covered pixels into expected electrons, and these into counts."""

    def __init__(self, preset: Preset, field: Field, seed: int) -> None:
        self._preset, self._seed, self._view = preset, seed, field.view
        self._size = tuple(fft.next_fast_len(side + 2 * _PAD_PX, real=True) for side in field.view)
        self._transfer = optics.particle_transfer((self._size[0], self._size[1]))
        period = int(field.period[0]), int(field.period[1])
        self._film = optics.Film(preset, period, seed)
        self._beam = preset.dose * optics.illumination(preset, field.view, seed)

    @property
    def canvas(self) -> Box:
        """The pixels that bear on the view, in view coordinates."""
        height, width = self._size
        return slice(-_PAD_PX, height - _PAD_PX), slice(-_PAD_PX, width - _PAD_PX)

    def expected(
        self, cover: Cover, contrast: Float[np.ndarray, " p"], drift_px: Float[np.ndarray, " 2"]
    ) -> Float32[np.ndarray, "y x"]:
        """Return the mean electrons of each pixel in a frame.

        Args:
            cover: Pixels of :attr:`canvas` covered by bodies.
            contrast: How strongly each of them scatters, 1 on average.
            drift_px: Where the specimen is (y, x), relative to the first frame.
        """
        height, width = self._size
        place = (cover.y + _PAD_PX) * width + cover.x + _PAD_PX
        thickness = np.bincount(place, cover.thickness * contrast, height * width)
        spectrum = fft.rfft2(thickness.reshape(height, width).astype(np.float32)) * self._transfer
        image = fft.irfft2(spectrum, (height, width))
        seen = image[_PAD_PX : _PAD_PX + self._view[0], _PAD_PX : _PAD_PX + self._view[1]]
        electrons = np.exp(seen * np.float32(-1 / self._preset.contrast_length_px))
        electrons *= np.maximum(1 + self._film.seen(self._view, drift_px), _DIMMEST)
        electrons *= self._beam
        return np.asarray(electrons)

    def counts(self, expected: Float32[np.ndarray, "y x"], frame: int) -> UInt16[np.ndarray, "y x"]:
        """Return the electrons that were counted: Poisson, exact, its own stream per frame."""
        rng = np.random.default_rng([self._seed, 3, frame])
        return np.minimum(rng.poisson(expected), 65535).astype(np.uint16)


def diffraction_contrast(tilt: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Return how strongly lattices of given tilt scatter: most alike, a few near a zone axis.

    ``tilt`` is standard normal; the answer is 1 on average and at least 0.6.
    """
    strength = 0.96 + 0.12 * tilt + 0.5 * np.maximum(tilt - 1.2, 0.0)
    return np.maximum(strength, 0.6)
