"""Outlines and thickness of bodies: spheres, and pairs whose neck fills in.

A body is a solid of revolution about its axis. With f(z) the square of its radius at
height z along the axis, the thickness seen at distance w from the axis is
2 sqrt(f(z) - w^2), and the outline is where f(z) = w^2. A sphere has f = r^2 - z^2; two
lobes have the smooth maximum of theirs, which rounds the neck: where both touch,
f = blend / 4. Scaling the whole body conserves its volume exactly.
"""

from dataclasses import dataclass
from math import pi

import numpy as np
from jaxtyping import Float, Int

from graticule.synthetic.bodies import Bodies

_NECK = 1.2
_STATIONS = 161


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shapes:
    """Geometry of some bodies in one frame, in view pixels.

    ``slot`` is the body's place in :class:`Bodies`. ``along`` are the places of both
    lobes on the axis, from the centre of volume; ``lobe`` their radii (b = 0 for a sphere).
    """

    slot: Int[np.ndarray, " m"]
    centre: Float[np.ndarray, "m 2"]
    axis: Float[np.ndarray, "m 2"]
    along: Float[np.ndarray, "m 2"]
    lobe: Float[np.ndarray, "m 2"]
    blend: Float[np.ndarray, " m"]

    @property
    def lobe_centres(self) -> Float[np.ndarray, "m lobe 2"]:
        """Where the lobes lie, (y, x)."""
        centres: Float[np.ndarray, "m lobe 2"] = (
            self.centre[:, None] + self.along[..., None] * self.axis[:, None]
        )
        return centres

    def corners(self) -> tuple[Float[np.ndarray, "m 2"], Float[np.ndarray, "m 2"]]:
        """Return the lowest and highest (y, x) that each body can reach."""
        reach = np.sqrt(self.lobe**2 + self.blend[:, None] / 4)[..., None]
        centres, present = self.lobe_centres, (self.lobe > 0)[..., None]
        low = np.where(present, centres - reach, np.inf).min(axis=1)
        high = np.where(present, centres + reach, -np.inf).max(axis=1)
        return low, high


def shapes_of(bodies: Bodies, slots: Int[np.ndarray, " m"]) -> Shapes:
    """Return the geometry of the bodies in ``slots``, each of exactly its volume."""
    lobe = np.stack([bodies.radius[slots], np.zeros(len(slots))], axis=1)
    along, blend = np.zeros((len(slots), 2)), np.zeros(len(slots))
    pairs = np.flatnonzero(bodies.paired[slots])
    if len(pairs):
        chosen = slots[pairs]
        lobe[pairs], along[pairs], blend[pairs] = _pair_geometry(
            bodies.lobes[chosen], bodies.elongation[chosen], bodies.radius[chosen]
        )
    return Shapes(
        slot=slots,
        centre=bodies.centre[slots],
        axis=bodies.axis[slots],
        along=along,
        lobe=lobe,
        blend=blend,
    )


def squared_profile(
    z: Float[np.ndarray, "*#n"],
    lobe: tuple[Float[np.ndarray, "*#n"], Float[np.ndarray, "*#n"]],
    along: tuple[Float[np.ndarray, "*#n"], Float[np.ndarray, "*#n"]],
    blend: Float[np.ndarray, "*#n"],
) -> Float[np.ndarray, "..."]:
    """Return the square of a pair's radius at ``z`` along its axis; negative outside. Shapes broadcast.

    The smooth maximum is the quadratic one: max(a, b) + (k - |a - b|)^2 / 4k where
    |a - b| < k (I. Quilez, *Smooth minimum*), with k = ``blend``.
    """
    first = lobe[0] ** 2 - (z - along[0]) ** 2
    second = lobe[1] ** 2 - (z - along[1]) ** 2
    width = np.maximum(blend, 1e-9)
    rounding = np.maximum(width - np.abs(first - second), 0.0) ** 2 / (4 * width)
    squared: Float[np.ndarray, "..."] = np.maximum(first, second) + rounding
    return squared


def _pair_geometry(
    lobes: Float[np.ndarray, "m 2"], elongation: Float[np.ndarray, " m"], radius: Float[np.ndarray, " m"]
) -> tuple[Float[np.ndarray, "m 2"], Float[np.ndarray, "m 2"], Float[np.ndarray, " m"]]:
    distance = elongation * lobes.sum(axis=1)
    blend = _NECK * 4 * lobes.min(axis=1) ** 2 * elongation * np.maximum(1 - elongation, 0.0)
    reach = np.sqrt(lobes.max(axis=1) ** 2 + blend / 4)
    span = distance + 2 * reach
    z = -reach[:, None] + span[:, None] * (np.arange(_STATIONS) + 0.5) / _STATIONS
    sides = (lobes[:, :1], lobes[:, 1:]), (np.zeros((len(lobes), 1)), distance[:, None])
    squared = np.maximum(squared_profile(z, *sides, blend[:, None]), 0.0)
    content = squared.sum(axis=1)
    scale = np.cbrt(4 / 3 * radius**3 * _STATIONS / (span * content))
    middle = (z * squared).sum(axis=1) / content
    # spheres that do not overlap are known exactly; sampled, they could seem apart again
    apart, volumes = elongation >= 1, lobes**3
    scale = np.where(apart, radius / np.cbrt(volumes.sum(axis=1)), scale)
    middle = np.where(apart, distance * volumes[:, 1] / volumes.sum(axis=1), middle)
    along = np.stack([-middle, distance - middle], axis=1)
    return lobes * scale[:, None], along * scale[:, None], blend * scale**2


def volume_of(shapes: Shapes, *, stations: int = 4001) -> Float[np.ndarray, " m"]:
    """Return each body's volume by integrating its profile, in cubic pixels."""
    reach = np.abs(shapes.along).max(axis=1) + np.sqrt(shapes.lobe.max(axis=1) ** 2 + shapes.blend / 4)
    z = np.linspace(-reach, reach, stations, axis=1)
    lobe, along = shapes.lobe[..., None], shapes.along[..., None]
    squared = squared_profile(z, (lobe[:, 0], lobe[:, 1]), (along[:, 0], along[:, 1]), shapes.blend[:, None])
    volume: Float[np.ndarray, " m"] = pi * np.trapezoid(np.maximum(squared, 0.0), z, axis=1)
    return volume
