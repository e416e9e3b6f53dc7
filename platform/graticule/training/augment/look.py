"""Take the picture of a crop anew: optics, camera, and grey levels as a network sees them."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32

from graticule.core.segmenter import Statistics
from graticule.models.learned.normalise import measure_frame, normalised
from graticule.training.augment.camera import Camera, draw_camera
from graticule.training.augment.optics import Optics, draw_optics
from graticule.training.recipe import Augmentation

BROKEN = 2e-4
"""Largest share of broken pixels, where there are any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One way in which pictures of a frame are taken.

    Attributes:
        optics: Of the microscope.
        camera: That takes the picture.
        margins: How much of the range 0..1 the frame leaves free below and above; below 0,
            how much it exceeds it.
        broken: Share of pixels that are white or black whatever arrives.
        inverted: Whether black and white change places.
        seed: Of the noise.
    """

    optics: Optics
    camera: Camera
    margins: tuple[float, float]
    broken: float
    inverted: bool
    seed: int

    def taken(
        self, crop: Float32[np.ndarray, "e e"], frame: Float32[np.ndarray, "f f"]
    ) -> Float32[np.ndarray, "e e"]:
        """Return the picture of a crop.

        Args:
            crop: Grey levels in 0..1, particles dark.
            frame: What is known of the frame that the crop is from; its picture, taken in the
                same way, spans 0..1 but for the margins.
        """
        generator = torch.Generator().manual_seed(self.seed)
        picture, whole = (self._recorded(image, generator) for image in (crop, frame))
        levels = measure_frame(whole)
        if levels["empty"]:
            return crop
        picture = normalised(picture, self._with_margins(levels), dark=True)
        self._break(picture, np.random.default_rng(self.seed))
        return 1 - picture if self.inverted else picture

    def _recorded(self, image: np.ndarray, generator: torch.Generator) -> np.ndarray:
        seen = self.optics.seen(
            torch.from_numpy(np.require(image, requirements=["C", "W"]))[None, None], generator
        )
        return np.asarray(self.camera.taken(seen, generator)[0, 0].numpy())

    def _with_margins(self, levels: Statistics) -> Statistics:
        low, high = levels["low"], levels["high"]
        below, above = self.margins
        span = (high - low) / (1 - below - above)
        return {"low": low - below * span, "high": high + above * span}

    def _break(self, picture: np.ndarray, rng: np.random.Generator) -> None:
        count = rng.poisson(self.broken * picture.size)
        picture.ravel()[rng.integers(picture.size, size=count)] = rng.integers(2, size=count)


def draw_look(augmentation: Augmentation, most_noise: float, rng: np.random.Generator) -> Look:
    """Return a way of taking pictures.

    Args:
        augmentation: What ways there are.
        most_noise: That may be added, as a standard deviation in grey levels.
        rng: Of all that is drawn.
    """
    blurs = rng.random() < augmentation.blurred
    by_optics = rng.random() < 0.5
    optics = draw_optics(augmentation, rng, blurred=blurs and by_optics)
    camera = draw_camera(augmentation, rng, blurred=blurs and not by_optics)
    most = most_noise * optics.absorbed
    return Look(
        optics=optics.with_grain_below(most),
        camera=camera.with_noise_below(most),
        margins=(_margin(augmentation, rng), _margin(augmentation, rng)),
        broken=rng.uniform(0.0, BROKEN) if rng.random() < augmentation.broken else 0.0,
        inverted=bool(rng.random() < augmentation.polarity),
        seed=int(rng.integers(2**62)),
    )


def _margin(augmentation: Augmentation, rng: np.random.Generator) -> float:
    return float(rng.uniform(-augmentation.margin / 2, augmentation.margin))
