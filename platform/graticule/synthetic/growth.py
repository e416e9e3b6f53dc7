"""How particles change by themselves: ripening, coalescence, lattice tilt."""

import numpy as np
from jaxtyping import Float, Int

from graticule.synthetic.bodies import VANISHING_RADIUS_PX, Bodies
from graticule.synthetic.presets import Preset

_ROUND = 0.04
_FRAMES_PER_RADIUS_PX = 0.9
_TILT_MEMORY = 0.985


def ripen(bodies: Bodies, preset: Preset) -> None:
    """Let small particles feed large ones for one frame; the total volume stays.

    dr/dt = K / r (1 / <r> - 1 / r), the diffusion-limited growth law of Lifshitz and
    Slyozov (1961) and Wagner (1961); with the mean radius as the critical one it
    conserves volume. What dissolves gives its volume to the others.
    """
    living = np.flatnonzero(bodies.alive)
    radius = bodies.radius[living]
    volume = (radius**3).sum()
    rate = preset.ripening * preset.radius_px**3
    critical = radius.mean()
    grown = np.cbrt(np.maximum(radius**3 + 3 * rate * (radius / critical - 1), 0.0))
    gone = grown < VANISHING_RADIUS_PX
    gone[grown.argmax()] = False
    bodies.alive[living[gone]] = False
    kept, grown = living[~gone], grown[~gone]
    bodies.radius[kept] = grown * np.cbrt(volume / (grown**3).sum())


def coalesce(bodies: Bodies) -> None:
    """Let touching lobes flow into one sphere for one frame.

    The elongation relaxes exponentially (Koch and Friedlander, J. Colloid Interface Sci.
    140, 1990), in a time that grows with size: surface tension works against the size.
    """
    pairs = np.flatnonzero(bodies.paired & bodies.alive)
    frames = _FRAMES_PER_RADIUS_PX * bodies.lobes[pairs].mean(axis=1)
    bodies.elongation[pairs] *= np.exp(-1 / frames)
    _share_tilt(bodies, pairs, 1 - np.exp(-1 / frames))
    bodies.elongation[pairs[bodies.elongation[pairs] < _ROUND]] = 0.0


def tumble(bodies: Bodies, rng: np.random.Generator) -> None:
    """Turn the lattices a little: their tilt is a stationary random walk."""
    kick = np.sqrt(1 - _TILT_MEMORY**2) * rng.standard_normal(bodies.tilt.shape)
    bodies.tilt[:] = _TILT_MEMORY * bodies.tilt + kick


def join(bodies: Bodies, larger: int, smaller: int, offset: Float[np.ndarray, " 2"]) -> None:
    """Make one body of two spheres in contact, in the slot of the larger.

    Args:
        bodies: Changed in place; the smaller one's slot dies.
        larger: Slot of lobe a.
        smaller: Slot of lobe b.
        offset: From the larger one's centre to the smaller one's, (y, x), in pixels.
    """
    radii = bodies.radius[[larger, smaller]]
    volumes = radii**3
    distance = float(np.hypot(*offset))
    bodies.centre[larger] += offset * volumes[1] / volumes.sum()
    bodies.radius[larger] = np.cbrt(volumes.sum())
    bodies.lobes[larger] = radii
    bodies.elongation[larger] = distance / radii.sum()
    bodies.axis[larger] = offset / distance
    bodies.tilt[larger, 1] = bodies.tilt[smaller, 0]
    bodies.alive[smaller] = False


def _share_tilt(bodies: Bodies, pairs: Int[np.ndarray, " m"], share: Float[np.ndarray, " m"]) -> None:
    weights = bodies.lobes[pairs] ** 3
    common = (weights * bodies.tilt[pairs]).sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True)
    bodies.tilt[pairs] += share[:, None] * (common - bodies.tilt[pairs])
