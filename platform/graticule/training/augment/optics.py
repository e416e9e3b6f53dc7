"""What a microscope makes of a specimen, between 0 and 1: contrast, defocus, illumination.

Transmission: 1 where no electron is lost. All images are (1 1 e e).
"""

from dataclasses import dataclass, replace
from math import ceil, cos, pi, sin

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from torchvision.transforms.v2 import functional as vision  # type: ignore[import-untyped]

from graticule.training.recipe import Augmentation

Image = Float32[Tensor, "1 1 e e"]
"""torch's, since torchvision's transforms take it."""
ABSORBED = 0.3
"""Of the electrons, in the darkest grey at contrast 1: gold some 20 px thick in the simulator's presets."""
_FRINGE_PX = 1.0, 1.6
"""Standard deviation of the narrower of the two Gaussians that a Fresnel fringe is made of."""
_FRINGE = 0.3, 0.9
_GRAIN_PX = 0.8, 3.2
"""Standard deviation of the narrower of the two Gaussians between which a film's grain lies."""
_GRAIN = 0.12
"""Most of it, as a standard deviation relative to the illumination."""
_BOWL = 1.5
"""Largest curvature of the illumination relative to its slope."""
_TRUNCATE = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Optics:
    """One microscope, at one focus.

    Attributes:
        gamma: Exponent of the grey levels, for thickness is not what is seen.
        absorbed: Of the electrons, in the darkest grey.
        fringe_px: Width of a rim around particles, 0 for none.
        fringe: Its strength; above 0 bright, below dark.
        grain_px: Width of the grain of the film.
        grain: Its standard deviation, 0 for none.
        blur_px: Standard deviation of a blur, 0 for none.
        gradient: Brightest less darkest illumination, of its mean.
        angle: Of its slope, in radians.
        bowl: Of its curvature, relative to its slope.
    """

    gamma: float
    absorbed: float
    fringe_px: float
    fringe: float
    grain_px: float
    grain: float
    blur_px: float
    gradient: float
    angle: float
    bowl: float

    def with_grain_below(self, most: float) -> "Optics":
        """Return the microscope with a film that hides no more than pixels' noise of ``most`` would."""
        # averaged over a particle, what is alike over a Gaussian's area falls that much more slowly
        return replace(self, grain=min(self.grain, most / (2 * pi**0.5 * self.grain_px)))

    def seen(self, image: Image, generator: torch.Generator) -> Image:
        """Return the transmission, times the illumination, of an image with grey levels in 0..1."""
        image = vision.adjust_gamma(image, self.gamma)
        image = self._focused(1 - self.absorbed * (1 - image))
        if self.grain > 0:
            image = image + self.grain * self._film(image.shape, generator)
        return image * self._light(image.shape[-1])

    def _film(self, shape: torch.Size, generator: torch.Generator) -> Image:
        """Return a film's grain: mean 0, standard deviation 1."""
        noise = torch.randn(shape, generator=generator)
        grain = _band(noise, self.grain_px)
        return grain / grain.std().clamp(min=1e-6)

    def _focused(self, image: Image) -> Image:
        if self.fringe_px > 0:
            image = image + self.fringe * _band(image, self.fringe_px)
        return blurred(image, self.blur_px)

    def _light(self, size: int) -> Float32[Tensor, "e e"]:
        """Return the illumination: mean of brightest and darkest 1."""
        steps = torch.linspace(-0.5, 0.5, size)
        y, x = steps[:, None], steps
        light = sin(self.angle) * y + cos(self.angle) * x + self.bowl * (y**2 + x**2)
        least, most = light.amin(), light.amax()
        return 1 + self.gradient * ((light - least) / (most - least) - 0.5)


def draw_optics(augmentation: Augmentation, rng: np.random.Generator, *, blurred: bool) -> Optics:
    """Return a microscope.

    Args:
        augmentation: What it may be like.
        rng: Of all that is drawn.
        blurred: Whether it blurs.
    """
    fringed = rng.random() < augmentation.fringe
    grainy = rng.random() < augmentation.grain
    return Optics(
        gamma=rng.uniform(*augmentation.gamma),
        absorbed=ABSORBED * rng.uniform(*augmentation.contrast),
        fringe_px=rng.uniform(*_FRINGE_PX) if fringed else 0.0,
        fringe=rng.uniform(*_FRINGE) * rng.choice([-1.0, 1.0]),
        grain_px=rng.uniform(*_GRAIN_PX),
        grain=rng.uniform(0.0, _GRAIN) if grainy else 0.0,
        blur_px=rng.uniform(0.0, augmentation.blur) if blurred else 0.0,
        gradient=rng.uniform(0.0, augmentation.gradient),
        angle=rng.uniform(0.0, 2 * pi),
        bowl=rng.uniform(-_BOWL, _BOWL),
    )


def _band(image: Image, sigma_px: float) -> Image:
    """Return what lies between a Gaussian and one twice as wide."""
    return blurred(image, sigma_px) - blurred(image, 2 * sigma_px)


def blurred(image: Image, sigma_px: float) -> Image:
    """Return an image under a Gaussian, mirrored at its rim; none if that is too narrow to be seen."""
    reach = ceil(_TRUNCATE * sigma_px)
    if sigma_px < 0.1:
        return image
    edge = 2 * min(reach, image.shape[-1] - 1) + 1
    # one axis after the other, which torchvision does not do by itself
    for kernel in ([edge, 1], [1, edge]):
        image = vision.gaussian_blur(image, kernel, [sigma_px, sigma_px])
    return image
