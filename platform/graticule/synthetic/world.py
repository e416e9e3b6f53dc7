"""The specimen from frame to frame: everything that happens to it, in order."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from graticule.synthetic import encounters, growth, motion
from graticule.synthetic.bodies import Bodies, field_around, scattered
from graticule.synthetic.presets import Preset
from graticule.synthetic.raster import in_one_piece
from graticule.synthetic.shapes import shapes_of

_REACH_RADII = 1.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """Two bodies became one: the slots of both, and of what came of them."""

    parents: tuple[int, int]
    child: int


class World:
    """All particles of a simulated movie, advanced one frame at a time.

    What happens depends on the seed and on what happened before, never on what is
    looked at or how long the movie will be.
    """

    bodies: Bodies

    def __init__(self, preset: Preset, view: tuple[int, int], seed: int) -> None:
        self._preset = preset
        self._rng = np.random.default_rng([seed, 0])
        self.field = field_around(view, preset)
        self.bodies = scattered(preset, self.field, self._rng)
        motion.spread(self.bodies, self.field, self._rng)
        self._meetings = encounters.no_meetings()
        self._credit = float(self._rng.random())
        self._drift = motion.Drift(preset.drift_px, self._rng)

    @property
    def drift_px(self) -> Float[np.ndarray, " 2"]:
        """Where the specimen is (y, x), relative to the first frame."""
        return self._drift.position_px

    def advance(self) -> list[Joining]:
        """Go on to the next frame; return which bodies stick from now on."""
        bodies, preset = self.bodies, self._preset
        bodies.centre += self._drift.step()
        motion.wander(bodies, preset, self._rng)
        growth.ripen(bodies, preset)
        growth.coalesce(bodies)
        growth.tumble(bodies, self._rng)
        encounters.advance(self._meetings, bodies, self.field, self._rng)
        crowd = motion.Crowd(bodies, self.field, reach_px=_REACH_RADII * preset.radius_px)
        near = crowd.measure()
        motion.keep_apart(bodies, crowd, encounters.wanted_gaps(self._meetings, near, len(bodies.alive)))
        bodies.centre[:] = self.field.wrapped(bodies.centre)
        joined = self._join()
        near = crowd.measure()
        self._credit = encounters.begin(self._meetings, bodies, near, preset, self._rng, credit=self._credit)
        return joined

    def _join(self) -> list[Joining]:
        meetings, joined = self._meetings, []
        over = np.zeros(len(meetings.first), dtype=bool)
        for index in encounters.close_to_sticking(meetings, self.bodies, self.field):
            pair = int(meetings.first[index]), int(meetings.second[index])
            over[index] = self._stick(*pair)
            if over[index]:
                child = pair[0] if self.bodies.alive[pair[0]] else pair[1]
                joined.append(Joining(parents=pair, child=child))
        meetings.keep(~over)
        return joined

    def _stick(self, first: int, second: int) -> bool:
        """Make two spheres one body if their pixels touch; return whether they do."""
        bodies = self.bodies
        larger, smaller = sorted((first, second), key=lambda slot: -bodies.radius[slot])
        offset = self.field.nearest(bodies.centre[smaller] - bodies.centre[larger])
        before = bodies.centre[larger].copy(), bodies.radius[larger]
        growth.join(bodies, larger, smaller, offset)
        if in_one_piece(shapes_of(bodies, np.array([larger]))):
            return True
        bodies.centre[larger], bodies.radius[larger] = before
        bodies.elongation[larger] = 0.0
        bodies.alive[smaller] = True
        return False
