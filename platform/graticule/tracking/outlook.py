"""Where a body was at its first and last sight, and whether it came or went over the border."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from graticule.tracking.bodies import Bodies
from graticule.tracking.linked import LinkedMovie


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sight:
    """One entry per body: what it looked like in its first or in its last frame.

    ``frame`` is -1 for a body that was never seen; ``seen`` counts its frames.
    """

    frame: Int[np.ndarray, " bodies"]
    seen: Int[np.ndarray, " bodies"]
    area: Float[np.ndarray, " bodies"]
    centre: Float[np.ndarray, "bodies 2"]
    border: Bool[np.ndarray, " bodies"]


def first_and_last_sight(movie: LinkedMovie, bodies: Bodies) -> tuple[Sight, Sight]:
    """Return each body's first and last sight; pieces of one frame are taken together."""
    count = int(bodies.body.max(initial=-1)) + 1
    stride = movie.frames + 1
    keys, which = np.unique(bodies.body * stride + movie.frame, return_inverse=True)
    area = np.bincount(which, weights=movie.area, minlength=len(keys)).astype(np.float64)
    centre = np.stack(
        [
            np.bincount(which, weights=movie.area * part, minlength=len(keys)) / area
            for part in movie.centre.T
        ],
        1,
    )
    border = np.bincount(which, weights=movie.border, minlength=len(keys)) > 0
    names = np.arange(count) * stride
    begin, end = np.searchsorted(keys, names), np.searchsorted(keys, names + stride)
    seen = end - begin
    sights = []
    for at in (begin, end - 1):
        at = np.where(seen > 0, at, 0)
        frame = np.where(seen > 0, keys[at] % stride, -1)
        sights.append(Sight(frame=frame, seen=seen, area=area[at], centre=centre[at], border=border[at]))
    return sights[0], sights[1]


def over_the_border(
    movie: LinkedMovie, first: Sight, last: Sight, *, shape: tuple[int, int]
) -> tuple[Bool[np.ndarray, " bodies"], Bool[np.ndarray, " bodies"]]:
    """Return which bodies came in and which went out over the frame's border.

    Those that touch it, and those that would within one frame: by the drift of that very
    frame and by their own mean motion.
    """
    lived = np.maximum(last.frame - first.frame, 1)[:, None]
    drifted = movie.drift[last.frame] - movie.drift[first.frame]
    own = (last.centre - first.centre - drifted) / lived
    come = first.centre - own + _step(movie, first.frame, -1)
    gone = last.centre + own + _step(movie, last.frame, 1)
    return (
        first.border | _reaches_border(come, first.area, shape),
        last.border | _reaches_border(gone, last.area, shape),
    )


def _step(movie: LinkedMovie, frame: Int[np.ndarray, " n"], by: int) -> Float[np.ndarray, "n 2"]:
    other = np.clip(frame + by, 0, movie.frames - 1)
    return np.asarray(movie.drift[other] - movie.drift[frame])


def _reaches_border(
    centre: Float[np.ndarray, "n 2"], area: Float[np.ndarray, " n"], shape: tuple[int, int]
) -> Bool[np.ndarray, " n"]:
    room = np.minimum(centre, np.array(shape) - 1 - centre).min(axis=1)
    return np.asarray(room <= np.sqrt(area / np.pi))
