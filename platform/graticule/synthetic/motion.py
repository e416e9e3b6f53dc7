"""How particles move: with the specimen, by themselves, and out of each other's way."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from graticule.synthetic.bodies import Bodies, Field
from graticule.synthetic.presets import Preset
from graticule.synthetic.shapes import shapes_of

APART_PX = 3.0
"""Gap kept between outlines that must not touch; pixels touch up to sqrt(2)."""
_TURN_RAD = 0.1
_GUST = 0.3
_GUST_MEMORY = 0.95
_ROUNDS = 20
_PUSH = 0.6
_SETTLED_PX = 0.02


class Drift:
    """Movement of the specimen: mean speed of the preset, heading and speed turn slowly."""

    def __init__(self, speed_px: float, rng: np.random.Generator) -> None:
        self._speed = speed_px
        self._rng = rng
        self._heading = rng.uniform(0, 2 * np.pi)
        self._gust = rng.standard_normal()
        self.position_px: Float[np.ndarray, " 2"] = np.zeros(2)

    def step(self) -> Float[np.ndarray, " 2"]:
        """Return the displacement (y, x) from this frame to the next."""
        kick, turn = self._rng.standard_normal(2)
        self._gust = _GUST_MEMORY * self._gust + np.sqrt(1 - _GUST_MEMORY**2) * kick
        self._heading += _TURN_RAD * turn
        # the mean of exp(s g) over a standard normal g is exp(s^2 / 2)
        speed = self._speed * np.exp(_GUST * self._gust - _GUST**2 / 2)
        step: Float[np.ndarray, " 2"] = speed * np.array([np.sin(self._heading), np.cos(self._heading)])
        self.position_px = self.position_px + step
        return step


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Neighbours:
    """Pairs of lobes near each other; one row per pair of circles of different bodies.

    ``first, second`` are slots; ``gap`` is between the circles, negative in overlap;
    ``normal`` points from first to second, (y, x).
    """

    first: Int[np.ndarray, " p"]
    second: Int[np.ndarray, " p"]
    gap: Float[np.ndarray, " p"]
    normal: Float[np.ndarray, "p 2"]


class Crowd:
    """The living bodies as circles, with the pairs within ``reach`` of each other.

    Pairs are looked up once and measured again as bodies are pushed about.
    """

    def __init__(self, bodies: Bodies, field: Field, *, reach_px: float) -> None:
        self._bodies, self._field = bodies, field
        shapes = shapes_of(bodies, np.flatnonzero(bodies.alive))
        present = shapes.lobe > 0
        self._slot = np.repeat(shapes.slot, present.sum(axis=1))
        # what the neck adds to a lobe counts as its own: nothing may lie in its way
        self._radius = np.sqrt(shapes.lobe**2 + shapes.blend[:, None] / 4)[present]
        self._offset = (shapes.along[..., None] * shapes.axis[:, None])[present]
        self._pairs = self._near(reach_px)

    def measure(self) -> Neighbours:
        """Return the pairs as they lie now."""
        a, b = self._pairs
        places = self._bodies.centre[self._slot] + self._offset
        offsets = self._field.nearest(places[b] - places[a])
        distance = np.maximum(np.hypot(*offsets.T), 1e-6)
        return Neighbours(
            first=self._slot[a],
            second=self._slot[b],
            gap=distance - self._radius[a] - self._radius[b],
            normal=offsets / distance[:, None],
        )

    def _near(self, reach_px: float) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"]]:
        places = (self._bodies.centre[self._slot] + self._offset + self._field.margin) % self._field.period
        tree = cKDTree(np.minimum(places, np.nextafter(self._field.period, 0)), boxsize=self._field.period)
        pairs = tree.query_pairs(2 * self._radius.max() + reach_px, output_type="ndarray").astype(np.int64)
        a, b = np.sort(pairs, axis=1).T
        offsets = self._field.nearest(places[b] - places[a])
        near = np.hypot(*offsets.T) < self._radius[a] + self._radius[b] + reach_px
        near &= self._slot[a] != self._slot[b]
        a, b = a[near], b[near]
        order = np.lexsort((b, a))
        return a[order], b[order]


def wander(bodies: Bodies, preset: Preset, rng: np.random.Generator) -> None:
    """Give each body its own random step."""
    bodies.centre += preset.step_px / np.sqrt(2) * rng.standard_normal(bodies.centre.shape)


def keep_apart(bodies: Bodies, crowd: Crowd, wanted_px: Float[np.ndarray, " p"]) -> None:
    """Push bodies until each pair of the crowd keeps its wanted gap, smaller ones further.

    Position-based dynamics (Mueller et al. 2007): a few rounds of half-way corrections.
    """
    weight = 1 / bodies.radius**2
    for _ in range(_ROUNDS):
        pairs = crowd.measure()
        lack = np.maximum(wanted_px - pairs.gap, 0.0)
        close = np.flatnonzero(lack > _SETTLED_PX)
        if not len(close):
            return
        first, second = pairs.first[close], pairs.second[close]
        push = (_PUSH * lack[close] / (weight[first] + weight[second]))[:, None] * pairs.normal[close]
        np.add.at(bodies.centre, first, -push * weight[first, None])
        np.add.at(bodies.centre, second, push * weight[second, None])


def spread(bodies: Bodies, field: Field, rng: np.random.Generator) -> None:
    """Move bodies put down at random until none touch, with gaps of many widths."""
    own = rng.uniform(APART_PX, APART_PX + 0.6 * bodies.radius.mean(), len(bodies.radius))
    for _ in range(30):
        crowd = Crowd(bodies, field, reach_px=float(own.max()))
        pairs = crowd.measure()
        wanted = (own[pairs.first] + own[pairs.second]) / 2
        if not (pairs.gap < wanted - 2 * _SETTLED_PX).any():
            break
        keep_apart(bodies, crowd, wanted)
    bodies.centre[:] = field.wrapped(bodies.centre)
