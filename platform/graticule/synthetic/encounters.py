"""Which particles meet, and what comes of it: they stick, or touch and part again.

The fate of a meeting is drawn when it begins and dynamics carry it out: lobes that
stick never part, pairs that part do so within some frames. So the truth of each frame
is known in that frame, and a movie's first frames do not depend on its length.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float, Int

from graticule.synthetic.bodies import VANISHING_RADIUS_PX, Bodies, Field
from graticule.synthetic.motion import APART_PX, Neighbours
from graticule.synthetic.presets import Preset

OVERLAP_PX = -1.0
"""Gap between the outlines of a pair that touches."""
_CLOSING_PX = 0.8
_PATIENCE = 80
_TOUCHING_FRAMES = (2, 7)
_LONGEST_PARTING = 25
_INNER_PX, _INNER_TO_PART_PX = 8.0, 30.0
_CLEAR_PX = 4.0
_HIDDEN_PX = 8.0
_SMALLEST_PX = 1.25 * VANISHING_RADIUS_PX


class Phase(IntEnum):
    """Where a meeting stands."""

    APPROACH = 0
    TOUCH = 1
    PART = 2


@dataclass(kw_only=True, slots=True)
class Meetings:
    """Pairs of slots that have something to do with each other; one entry per pair."""

    first: Int[np.ndarray, " e"]
    second: Int[np.ndarray, " e"]
    sticks: Bool[np.ndarray, " e"]
    phase: Int[np.ndarray, " e"]
    left: Int[np.ndarray, " e"]
    """Frames left in this phase."""
    allowed: Bool[np.ndarray, " e"]
    """Whether the pair may come into contact where it is now."""

    def keep(self, those: Bool[np.ndarray, " e"]) -> None:
        """Forget the other pairs."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name)[those])


def no_meetings() -> Meetings:
    """Return the meetings of a fresh specimen."""
    none, flag = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    return Meetings(first=none, second=none, sticks=flag, phase=none, left=none, allowed=flag)


def begin(
    meetings: Meetings,
    bodies: Bodies,
    near: Neighbours,
    preset: Preset,
    rng: np.random.Generator,
    *,
    credit: float,
) -> float:
    """Let some free particles set out to their nearest free neighbour.

    The chance falls with the volume, as mobility does: by that, coarsening slows down
    (Smoluchowski's hyperbolic law) and long movies keep their particles. Chances are
    drawn systematically: their sum over pairs and frames, ``credit`` included, decides
    how many set out, so that short movies have events too. What is left is returned.
    """
    first, second = _nearest_free(meetings, bodies, near)
    mobility = np.minimum((preset.radius_px / bodies.radius) ** 3, 4.0)
    chance = preset.meeting_rate * (mobility[first] + mobility[second]) / 2
    order = rng.permutation(len(first))
    due = credit + np.cumsum(chance[order])
    starting = order[np.flatnonzero(np.diff(np.floor(due), prepend=0.0) > 0)]
    starting = starting[_disjoint(first[starting], second[starting])]
    count = len(starting)
    meetings.first = np.concatenate([meetings.first, first[starting]])
    meetings.second = np.concatenate([meetings.second, second[starting]])
    meetings.sticks = np.concatenate([meetings.sticks, rng.random(count) >= preset.parting_share])
    meetings.phase = np.concatenate([meetings.phase, np.full(count, Phase.APPROACH)])
    meetings.left = np.concatenate([meetings.left, np.full(count, _PATIENCE)])
    meetings.allowed = np.concatenate([meetings.allowed, np.zeros(count, dtype=bool)])
    return float(due[-1] % 1) if len(due) else credit


def advance(meetings: Meetings, bodies: Bodies, field: Field, rng: np.random.Generator) -> None:
    """Move the partners of each meeting for one frame and end those that are over."""
    meetings.left -= 1
    meetings.keep(bodies.alive[meetings.first] & bodies.alive[meetings.second] & (meetings.left > 0))
    first, second = meetings.first, meetings.second
    offset, gap, middle = _geometry(meetings, bodies, field)
    meetings.allowed = _may_touch(meetings, bodies, field, middle)
    touching = (meetings.phase == Phase.APPROACH) & ~meetings.sticks & meetings.allowed & (gap < 0.5)
    meetings.phase[touching] = Phase.TOUCH
    meetings.left[touching] = rng.integers(*_TOUCHING_FRAMES, touching.sum())
    tired = (meetings.phase == Phase.TOUCH) & (meetings.left == 1)
    meetings.phase[tired], meetings.left[tired] = Phase.PART, _LONGEST_PARTING
    closing = np.select(
        [meetings.phase == Phase.APPROACH, meetings.phase == Phase.TOUCH],
        [np.clip(gap - OVERLAP_PX, 0.0, _CLOSING_PX), gap - OVERLAP_PX / 2],
        -2 * _CLOSING_PX,
    )
    step = (closing / 2 / np.maximum(np.hypot(*offset.T), 1e-6))[:, None] * offset
    bodies.centre[first] += step
    bodies.centre[second] -= step
    meetings.keep((meetings.phase != Phase.PART) | (gap < _CLEAR_PX))


def wanted_gaps(meetings: Meetings, near: Neighbours, slots: int) -> Float[np.ndarray, " p"]:
    """Return the gap each pair of neighbours has to keep, in pixels."""
    wanted = np.full(len(near.first), APART_PX)
    free = meetings.allowed | (meetings.phase != Phase.APPROACH)
    keys = _key(meetings.first[free], meetings.second[free], slots)
    wanted[np.isin(_key(near.first, near.second, slots), keys)] = OVERLAP_PX
    return wanted


def close_to_sticking(meetings: Meetings, bodies: Bodies, field: Field) -> Int[np.ndarray, " c"]:
    """Return the meetings that may become one body in this frame."""
    _, gap, _ = _geometry(meetings, bodies, field)
    approaching = (meetings.phase == Phase.APPROACH) & meetings.sticks & meetings.allowed
    alive = bodies.alive[meetings.first] & bodies.alive[meetings.second]
    return np.flatnonzero(approaching & alive & (gap < 2.0))


def _geometry(
    meetings: Meetings, bodies: Bodies, field: Field
) -> tuple[Float[np.ndarray, "e 2"], Float[np.ndarray, " e"], Float[np.ndarray, "e 2"]]:
    offset = field.nearest(bodies.centre[meetings.second] - bodies.centre[meetings.first])
    distance = np.maximum(np.hypot(*offset.T), 1e-6)
    reach = bodies.radius[meetings.first] / distance
    gap = distance - bodies.radius[meetings.first] - bodies.radius[meetings.second]
    return offset, gap, bodies.centre[meetings.first] + reach[:, None] * offset


def _may_touch(
    meetings: Meetings, bodies: Bodies, field: Field, middle: Float[np.ndarray, "e 2"]
) -> Bool[np.ndarray, " e"]:
    """Contact is allowed well inside the view, where it is seen, or wholly out of it."""
    view = np.array(field.view)
    inner = np.where(meetings.sticks, _INNER_PX, np.minimum(_INNER_TO_PART_PX, view.min() / 4))
    depth = np.minimum(middle, view - middle).min(axis=1)
    seen = bodies.track[np.stack([meetings.first, meetings.second])] > 0
    outside = _outside(bodies, meetings.first, view) & _outside(bodies, meetings.second, view)
    hidden = outside & meetings.sticks & ~seen.any(axis=0)
    may: Bool[np.ndarray, " e"] = (seen.all(axis=0) & (depth > inner)) | hidden
    return may


def _outside(
    bodies: Bodies, slots: Int[np.ndarray, " e"], view: Int[np.ndarray, " 2"]
) -> Bool[np.ndarray, " e"]:
    centre, radius = bodies.centre[slots], bodies.radius[slots, None]
    beyond = (centre + radius < -_HIDDEN_PX) | (centre - radius > view + _HIDDEN_PX)
    outside: Bool[np.ndarray, " e"] = beyond.any(axis=1)
    return outside


def _nearest_free(
    meetings: Meetings, bodies: Bodies, near: Neighbours
) -> tuple[Int[np.ndarray, " c"], Int[np.ndarray, " c"]]:
    free = bodies.alive & ~bodies.paired & (bodies.radius > _SMALLEST_PX)
    free[meetings.first] = free[meetings.second] = False
    usable = np.flatnonzero(free[near.first] & free[near.second])
    usable = usable[np.argsort(near.gap[usable], kind="stable")]
    ends = np.concatenate([near.first[usable], near.second[usable]])
    pair = np.tile(np.arange(len(usable)), 2)
    order = np.lexsort((pair, ends))
    _, foremost = np.unique(ends[order], return_index=True)
    chosen = usable[np.unique(pair[order][foremost])]
    return near.first[chosen], near.second[chosen]


def _disjoint(first: Int[np.ndarray, " c"], second: Int[np.ndarray, " c"]) -> list[int]:
    taken: set[int] = set()
    chosen = []
    for index, pair in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        if taken.isdisjoint(pair):
            taken.update(pair)
            chosen.append(index)
    return chosen


def _key(first: Int[np.ndarray, " p"], second: Int[np.ndarray, " p"], slots: int) -> Int[np.ndarray, " p"]:
    key: Int[np.ndarray, " p"] = np.minimum(first, second) * slots + np.maximum(first, second)
    return key
