"""The particles of a simulated specimen, and where they lie.

The specimen is periodic: it is wider than the view by a margin on every side, and what
leaves it on one side enters on the other, out of sight. So the view can drift without
end over a population that keeps its number density and its volume.
"""

from dataclasses import dataclass
from math import pi

import numpy as np
from jaxtyping import Bool, Float, Int

from graticule.synthetic.presets import REFERENCE_AREA_PX, Preset

VANISHING_RADIUS_PX = 2.8
"""A particle smaller than this dissolves at once: its mask would be under 25 pixels."""
_SMALLEST_MARGIN_PX = 64
_MARGIN_RADII = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """The view (height, width) and the specimen's margin around it, in pixels."""

    view: tuple[int, int]
    margin: int

    @property
    def period(self) -> Float[np.ndarray, " 2"]:
        """Height and width after which the specimen repeats, in pixels."""
        return np.array(self.view, dtype=float) + 2 * self.margin

    def wrapped(self, points: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Return points (y, x) in view coordinates, brought back into the specimen."""
        inside: Float[np.ndarray, "*n 2"] = (points + self.margin) % self.period - self.margin
        return inside

    def nearest(self, offsets: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Return offsets between points of the periodic specimen, the shortest way round."""
        shortest: Float[np.ndarray, "*n 2"] = offsets - self.period * np.round(offsets / self.period)
        return shortest


def field_around(view: tuple[int, int], preset: Preset) -> Field:
    """Return the specimen whose edges stay out of sight of a view."""
    return Field(view=view, margin=max(_SMALLEST_MARGIN_PX, round(_MARGIN_RADII * preset.radius_px)))


@dataclass(kw_only=True, slots=True, eq=False)
class Bodies:
    """State of all particles in one frame; each keeps its slot, dead or alive.

    A body is a sphere, or two coalescing ones ("lobes" a and b) that conserve volume.

    Attributes:
        centre: Centre of volume (y, x), in view pixels.
        radius: Radius of the sphere of the same volume, in pixels.
        lobes: Radii of both lobes at the moment of contact; b = 0 for a sphere.
        elongation: Distance of the lobes' centres over the sum of their radii.
        axis: Unit vector (y, x) from lobe a to lobe b.
        tilt: Orientation of each lobe's lattice, standard normal: sets its diffraction contrast.
        track: Identity seen in the view, 0 when out of it.
        alive: False once dissolved or swallowed.
    """

    centre: Float[np.ndarray, "n 2"]
    radius: Float[np.ndarray, " n"]
    lobes: Float[np.ndarray, "n 2"]
    elongation: Float[np.ndarray, " n"]
    axis: Float[np.ndarray, "n 2"]
    tilt: Float[np.ndarray, "n 2"]
    track: Int[np.ndarray, " n"]
    alive: Bool[np.ndarray, " n"]

    @property
    def paired(self) -> Bool[np.ndarray, " n"]:
        """Which bodies are two lobes still."""
        return self.elongation > 0


def total_volume(bodies: Bodies) -> float:
    """Return the volume of all living bodies, in cubic pixels."""
    return 4 / 3 * pi * float((bodies.radius[bodies.alive] ** 3).sum())


def scattered(preset: Preset, field: Field, rng: np.random.Generator) -> Bodies:
    """Return spheres of lognormal sizes at random places, not yet kept apart."""
    area = float(np.prod(field.period))
    count = max(1, round(preset.particles * area / REFERENCE_AREA_PX))
    sigma = preset.size_sigma
    # exp(sigma^2 / 2) is the mean of the lognormal around 1
    radius = preset.radius_px * np.exp(sigma * rng.standard_normal(count) - sigma**2 / 2)
    radius = np.clip(radius, 1.2 * VANISHING_RADIUS_PX, None)
    return Bodies(
        centre=field.wrapped(rng.random((count, 2)) * field.period),
        radius=radius,
        lobes=np.stack([radius, np.zeros(count)], axis=1),
        elongation=np.zeros(count),
        axis=np.tile([0.0, 1.0], (count, 1)),
        tilt=rng.standard_normal((count, 2)),
        track=np.zeros(count, dtype=np.int64),
        alive=np.ones(count, dtype=bool),
    )
