"""What a camera makes of the electrons that arrive: counts, read-out, and pixels that are broken."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from graticule.training.augment.optics import blurred
from graticule.training.recipe import Augmentation

NEARLY_NORMAL = 100.0
"""Electrons per pixel from where a normal distribution stands for Poisson's, being four times as fast."""
_READOUT = 0.3
"""Largest read-out noise, relative to that of the electrons."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Camera:
    """One camera, at one dose.

    Attributes:
        dose: Electrons per pixel where nothing is lost, 0 for so many that there is no noise.
        readout: Standard deviation of the read-out noise, in electrons.
        spread_px: Standard deviation of how far a pixel's signal spreads to others, and of
            the resampling of images before they come to us: it makes noise grainy.
    """

    dose: float
    readout: float
    spread_px: float

    def with_noise_below(self, most: float) -> "Camera":
        """Return the camera at a dose so high that its noise is at most ``most`` of the transmission."""
        if most <= 0 or self.dose == 0:
            return replace(self, dose=0.0)
        return replace(self, dose=max(self.dose, 1 / most**2))

    def taken(
        self, image: Float32[Tensor, "1 1 e e"], generator: torch.Generator
    ) -> Float32[Tensor, "1 1 e e"]:
        """Return what is recorded of a transmission, divided by the dose."""
        if self.dose > 0:
            noise = torch.randn(image.shape, generator=generator) * self.readout
            image = (self._counted(image * self.dose, generator) + noise) / self.dose
        return blurred(image, self.spread_px)

    def _counted(self, expected: Tensor, generator: torch.Generator) -> Tensor:
        expected = expected.clamp(min=0)
        if self.dose < NEARLY_NORMAL:
            return torch.poisson(expected, generator=generator)
        return expected + expected.sqrt() * torch.randn(expected.shape, generator=generator)


def draw_camera(augmentation: Augmentation, rng: np.random.Generator, *, blurred: bool) -> Camera:
    """Return a camera.

    Args:
        augmentation: What it may be like.
        rng: Of all that is drawn.
        blurred: Whether its signal spreads.
    """
    noisy = rng.random() < augmentation.noise
    low, high = np.log(augmentation.dose)
    dose = float(np.exp(rng.uniform(low, high))) if noisy else 0.0
    return Camera(
        dose=dose,
        readout=rng.uniform(0.0, _READOUT) * dose**0.5,
        spread_px=rng.uniform(0.0, augmentation.blur) if blurred else 0.0,
    )
