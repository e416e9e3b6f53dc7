"""Who touched whom, and when: rows of contact, and runs of them.

Contact is seen in a frame when outlines touch, when a particle lies within another's
instance for a while (until it returns), and when it ends inside one (it has fused).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from graticule.tracking.linked import LinkedMovie
from graticule.tracking.settings import OverlapSettings

_GROWTH = 0.25
_AREA_NOISE = 0.1
_COVERED, _GROWN, _LATER = 0.15, 0.75, 4
"""Least part covered, least part gained, and within how many frames, of what fuses bit by bit."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Contacts:
    """One row per pair and frame; ``a, b`` are instances that stand for their chains.

    ``fused``: the frame is the first in which ``a`` is gone for good, inside ``b``.
    """

    frame: Int[np.ndarray, " n"]
    a: Int[np.ndarray, " n"]
    b: Int[np.ndarray, " n"]
    length: Float[np.ndarray, " n"]
    fused: Bool[np.ndarray, " n"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Runs:
    """Unbroken contact of two identities (a < b) in frames start … stop, flickers allowed.

    Sorted by (pair, start). ``length`` is the mean length of the neck in px, ``frames``
    the number of frames in which contact was seen, ``fused`` the identity that ended
    inside the other (-1: none).
    """

    pair: Int[np.ndarray, " n"]
    a: Int[np.ndarray, " n"]
    b: Int[np.ndarray, " n"]
    start: Int[np.ndarray, " n"]
    stop: Int[np.ndarray, " n"]
    length: Float[np.ndarray, " n"]
    frames: Int[np.ndarray, " n"]
    fused: Int[np.ndarray, " n"]


def contact_rows(movie: LinkedMovie, settings: OverlapSettings) -> Contacts:
    """Return all contacts of a movie whose gaps are closed."""
    touching = len(movie.contact_a)
    inside = _inside(movie, settings)
    ends = np.flatnonzero(has_fused(movie, settings))
    parts = [
        (movie.frame[movie.contact_a], movie.contact_a, movie.contact_b, movie.contact_length),
        inside,
        (movie.frame[ends] + 1, ends, movie.host_after[ends], 2 * movie.radius[ends]),
    ]
    frame, a, b, length = (np.concatenate(part) for part in zip(*parts, strict=True))
    fused = np.arange(len(frame)) >= touching + len(inside[0])
    return Contacts(frame=frame, a=a, b=b, length=length, fused=fused)


def has_fused(movie: LinkedMovie, settings: OverlapSettings) -> Bool[np.ndarray, " n"]:
    """Return which instances are a chain's last and go on inside another, which grew by them.

    Growth is asked for only as far as the noise of an area can show it: less than a tenth
    of the host is no witness. An instance that its host covers in part is inside it all the
    same when the host has grown by it some frames later: segmenters that join two bodies
    take the second one in bit by bit.
    """
    ended = movie.after < 0
    at_once = ended & (movie.part_after >= settings.swallowed)
    at_once[at_once] = _growth(movie, at_once, frames=1) >= _GROWTH
    bit_by_bit = ended & ~at_once & (movie.part_after >= _COVERED)
    bit_by_bit[bit_by_bit] = _growth(movie, bit_by_bit, frames=_LATER) >= _GROWN
    return at_once | bit_by_bit


def _growth(movie: LinkedMovie, over: Bool[np.ndarray, " n"], *, frames: int) -> Float[np.ndarray, " m"]:
    """Return how much of what went into each host it gained within some frames, noise allowed for."""
    into = movie.host_after[over]
    gained = np.bincount(into, weights=movie.area[over], minlength=len(movie.area))[into]
    ago, then = movie.before[into], into
    for _ in range(frames - 1):
        then = np.where(movie.after[then] < 0, then, movie.after[then])
    growth = movie.area[then] - np.where(ago < 0, 0, movie.area[ago])
    return np.asarray((growth + _AREA_NOISE * movie.area[into]) / gained)


def contact_runs(contacts: Contacts, identity: Int[np.ndarray, " n"], *, flicker_frames: int) -> Runs:
    """Return the runs of contact between identities; contact with oneself is left out."""
    one, other = identity[contacts.a], identity[contacts.b]
    apart = one != other
    a, b = np.minimum(one, other)[apart], np.maximum(one, other)[apart]
    pair, frame = a * len(identity) + b, contacts.frame[apart]
    fused = np.where(contacts.fused, one, -1)[apart]
    order = np.lexsort((frame, pair))
    pair, frame = pair[order], frame[order]
    new_frame = np.diff(pair, prepend=-1).astype(bool) | np.diff(frame, prepend=-1).astype(bool)
    new = np.diff(pair, prepend=-1).astype(bool) | (np.diff(frame, prepend=-1) > flicker_frames + 1)
    begin = np.flatnonzero(new)
    end = np.append(begin[1:], len(pair)) - 1
    if not len(begin):
        begin, end = begin[:0], begin[:0]
    frames = _sums(new_frame, begin).astype(np.int64)
    return Runs(
        pair=pair[begin],
        a=a[order][begin],
        b=b[order][begin],
        start=frame[begin],
        stop=frame[end],
        length=_sums(contacts.length[apart][order], begin) / np.maximum(frames, 1),
        frames=frames,
        fused=np.maximum.reduceat(fused[order], begin) if len(begin) else begin,
    )


def _inside(
    movie: LinkedMovie, settings: OverlapSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of particles within another's instance until they return."""
    linked = np.flatnonzero((movie.after >= 0) & (movie.part_after >= settings.swallowed))
    missed = movie.frame[movie.after[linked]] - movie.frame[linked] - 1
    guest = np.repeat(linked, missed)
    since = np.arange(len(guest)) - np.repeat(np.cumsum(missed) - missed, missed)
    frame = movie.frame[guest] + 1 + since
    return frame, guest, movie.host_after[guest], 2 * movie.radius[guest]


def _sums(values: np.ndarray, begin: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    if not len(begin):
        return np.zeros(0)
    return np.add.reduceat(values.astype(np.float64), begin)
