"""Identities that outlive not being seen.

Two ways to be missed: for a few frames there is no instance (a gap), or the particle lies
within another's instance for any time and comes out again with its old size (a return).
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from graticule.tracking.assignment import assign
from graticule.tracking.chains import roots
from graticule.tracking.linked import LinkedMovie
from graticule.tracking.settings import OverlapSettings

_GAP_LIMIT = 1.5
_RETURN_LIMIT = 0.8
_SWAP_GAIN = 0.25
_NEIGHBOURS = 3


def close_gaps(movie: LinkedMovie, settings: OverlapSettings) -> LinkedMovie:
    """Return the movie with gaps closed; swallowed particles get a chance to return first."""
    out_in_the_open = movie.part_after < settings.swallowed
    movie = _close_plain(movie, settings, among=np.flatnonzero((movie.after < 0) & out_in_the_open))
    movie = _close_returns(movie, settings)
    return _close_plain(movie, settings, among=np.flatnonzero(movie.after < 0))


def _close_plain(
    movie: LinkedMovie, settings: OverlapSettings, *, among: Int[np.ndarray, " ends"]
) -> LinkedMovie:
    starts = np.flatnonzero((movie.before < 0) & (movie.frame > 0))
    ends, starts, cost = _gap_candidates(movie, among, starts, settings)
    chosen = assign(ends, starts, cost, most=_GAP_LIMIT)
    return _linked(movie, ends[chosen], starts[chosen])


def _gap_candidates(
    movie: LinkedMovie, ends: Int[np.ndarray, " e"], starts: Int[np.ndarray, " s"], settings: OverlapSettings
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    if not len(ends) or not len(starts):
        return ends[:0], starts[:0], np.zeros(0)
    limit = movie.radius.max() + 2 * movie.motion_px * np.sqrt(settings.missed_frames + 1)
    layer = 4.0 * limit + 1  # frames are laid so far apart that none reaches into another
    tree = cKDTree(np.column_stack([movie.place[starts], movie.frame[starts] * layer]))
    k = [*range(1, min(_NEIGHBOURS, len(starts)) + 1)]
    for gap in range(2, settings.missed_frames + 2):
        where = np.column_stack([movie.place[ends], (movie.frame[ends] + gap) * layer])
        distance, near = map(np.asarray, tree.query(where, k=k, distance_upper_bound=limit))
        row, column = np.nonzero(near < len(starts))
        e, s = ends[row], starts[near[row, column]]
        reach = (movie.radius[e] + movie.radius[s]) / 2 + 2 * movie.motion_px * np.sqrt(gap)
        cost = (distance[row, column] / reach) ** 2 + _unlike(movie, e, s) + 0.1 * (gap - 2)
        found.append((e, s, cost))
    e, s, cost = (np.concatenate(part) for part in zip(*found, strict=True)) if found else (ends[:0],) * 3
    return e, s, np.asarray(cost, dtype=np.float64)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Returns:
    """Candidates: an end swallowed by a chain, a start that came out of the same chain."""

    end: Int[np.ndarray, " n"]
    start: Int[np.ndarray, " n"]
    kept: Float[np.ndarray, " n"]
    swapped: Float[np.ndarray, " n"]


def _close_returns(movie: LinkedMovie, settings: OverlapSettings) -> LinkedMovie:
    found = _return_candidates(movie, settings)
    cost = np.minimum(found.kept, found.swapped + _SWAP_GAIN)
    chosen = assign(found.end, found.start, cost, most=_RETURN_LIMIT)
    swap = np.flatnonzero(chosen & (found.swapped + _SWAP_GAIN < found.kept))
    _, once = np.unique(movie.host_before[found.start[swap]], return_index=True)
    swap = swap[once]  # one exchange of tails per blob
    keep = np.setdiff1d(np.flatnonzero(chosen), swap)
    blob = movie.host_before[found.start[swap]]
    other = movie.after[blob]
    movie = _linked(movie, blob, found.start[swap])
    movie = _linked(movie, found.end[swap], other)
    free = movie.before[found.start[keep]] < 0
    return _linked(movie, found.end[keep][free], found.start[keep][free])


def _return_candidates(movie: LinkedMovie, settings: OverlapSettings) -> _Returns:
    chain = roots(movie.before)
    ends = np.flatnonzero((movie.after < 0) & (movie.part_after >= settings.swallowed))
    starts = np.flatnonzero((movie.before < 0) & (movie.part_before >= settings.swallowed))
    e, s = _same(chain[movie.host_after[ends]], chain[movie.host_before[starts]])
    e, s = ends[e], starts[s]
    later = movie.frame[s] - movie.frame[e] >= 2
    e, s = e[later], s[later]
    into, out_of = movie.host_after[e], movie.host_before[s]
    ago, then = movie.before[into], movie.after[out_of]
    both = (ago >= 0) & (then >= 0)
    kept = _unlike(movie, e, s) + _moved(movie, e, s, into, out_of)
    kept = kept + np.where(both, _unlike(movie, ago, then), 0)
    swapped = _unlike(movie, e, then) + _unlike(movie, ago, s) + _moved(movie, e, then, into, out_of)
    return _Returns(end=e, start=s, kept=kept, swapped=np.where(both, swapped, np.inf))


def _same(
    a: Int[np.ndarray, " n"], b: Int[np.ndarray, " m"]
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]]:
    """Return all (i, j) with ``a[i] == b[j]``."""
    order = np.argsort(b, kind="stable")
    low, high = (np.searchsorted(b[order], a, side=side) for side in ("left", "right"))
    count = high - low
    i = np.repeat(np.arange(len(a)), count)
    offset = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    return i, order[np.repeat(low, count) + offset]


def _unlike(
    movie: LinkedMovie, a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    return np.asarray(np.abs(np.log(movie.area[a] / movie.area[b])))


def _moved(
    movie: LinkedMovie,
    end: Int[np.ndarray, " n"],
    start: Int[np.ndarray, " n"],
    into: Int[np.ndarray, " n"],
    out_of: Int[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """Return how far the place within the blob changed, in quarters of the blob's radius."""
    inside = movie.place[end] - movie.place[into]
    outside = movie.place[start] - movie.place[out_of]
    return np.asarray(0.25 * np.linalg.norm(inside - outside, axis=1) / movie.radius[into])


def _linked(movie: LinkedMovie, a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"]) -> LinkedMovie:
    after, before = movie.after.copy(), movie.before.copy()
    after[a], before[b] = b, a
    return replace(movie, after=after, before=before)
