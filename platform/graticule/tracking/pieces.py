"""Pieces of one body, and bodies that came apart.

An instance that comes out of another and never parts from it was cut off by the segmenter:
it is a piece. So is one that touches another from its first frame on until it ends inside
it. What comes out and then parts is the child of a split, a piece until it parts.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int

from graticule.tracking.chains import first_and_last, roots, unions
from graticule.tracking.contacts import Contacts, Runs, contact_runs
from graticule.tracking.linked import LinkedMovie
from graticule.tracking.settings import OverlapSettings

_SHRINKING = 0.25
_AREA_NOISE = 0.1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Splits:
    """Child identities that part from their parents' at ``frame``."""

    frame: Int[np.ndarray, " n"]
    parent: Int[np.ndarray, " n"]
    child: Int[np.ndarray, " n"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Identities:
    """The identity of each instance (one of its instances, as a name), and the splits."""

    movie: LinkedMovie
    identity: Int[np.ndarray, " n"]
    splits: Splits


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Emitted:
    start: Int[np.ndarray, " n"]
    parent: Int[np.ndarray, " n"]
    parts: Int[np.ndarray, " n"]
    piece: Bool[np.ndarray, " n"]
    split: Bool[np.ndarray, " n"]


def joined_pieces(movie: LinkedMovie, contacts: Contacts, settings: OverlapSettings) -> Identities:
    """Return who is who after pieces are joined to their bodies."""
    emitted = _emitted(movie, contacts, settings)
    movie, children = _cut(movie, emitted)
    piece = emitted.piece | (emitted.split & (emitted.parts > movie.frame[emitted.start]))
    guests, hosts = emitted.start[piece], emitted.parent[piece]
    identity = roots(movie.before)
    while True:
        identity = unions(len(identity), identity[guests], identity[hosts])[identity]
        guests, hosts = _born_in_contact(movie, contacts, identity, settings)
        if not len(guests):
            break
    splits = Splits(
        frame=emitted.parts[emitted.split],
        parent=identity[emitted.parent[emitted.split]],
        child=identity[children],
    )
    return Identities(movie=movie, identity=identity, splits=splits)


def born_in_contact(
    runs: Runs, first: Int[np.ndarray, " n"], *, flicker_frames: int
) -> Bool[np.ndarray, " r"]:
    """Return which runs of contact begin with the younger's first frame.

    In the movie's first frame nothing has flickered yet, so there it must be that very frame.
    """
    younger = np.maximum(first[runs.a], first[runs.b])
    return np.asarray(runs.start <= younger + np.where(younger > 0, flicker_frames, 0))


def _born_in_contact(
    movie: LinkedMovie, contacts: Contacts, identity: Int[np.ndarray, " n"], settings: OverlapSettings
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Return the identities that touch from the first frame of one until one ends in the other."""
    runs = contact_runs(contacts, identity, flicker_frames=settings.flicker_frames)
    first, last = first_and_last(identity, movie.frame)
    gone = (runs.fused >= 0) & (last[runs.fused] < runs.stop)
    silent = gone & born_in_contact(runs, first, flicker_frames=settings.flicker_frames)
    return runs.a[silent], runs.b[silent]


def _emitted(movie: LinkedMovie, contacts: Contacts, settings: OverlapSettings) -> _Emitted:
    """Return what came out of another instance: until when it touched, and what it is."""
    chain = roots(movie.before)
    _, last = first_and_last(chain, movie.frame)
    out = (movie.before < 0) & (movie.part_before >= settings.swallowed)
    start = np.flatnonzero(out & (chain[movie.host_before] != chain))
    parent, born = movie.host_before[start], movie.frame[start]
    runs = contact_runs(contacts, chain, flicker_frames=settings.flicker_frames)
    low, high = np.minimum(start, chain[parent]), np.maximum(start, chain[parent])
    found = np.searchsorted(runs.pair, low * len(chain) + high)
    pair, begin, stop = (np.append(part, -1) for part in (runs.pair, runs.start, runs.stop))
    touched = (pair[found] == low * len(chain) + high) & (begin[found] <= born + settings.flicker_frames)
    parts = np.where(touched, stop[found] + 1, born)
    apart = last[start] - parts + 1
    piece = apart < settings.least_parted_frames
    split = ~piece & _shrank(movie, start)
    return _Emitted(start=start, parent=parent, parts=parts, piece=piece, split=split)


def _shrank(movie: LinkedMovie, start: Int[np.ndarray, " s"]) -> Bool[np.ndarray, " s"]:
    """Return whether the parent lost area as its children came out; mirror of ``has_fused``."""
    parent = movie.host_before[start]
    lost = np.bincount(parent, weights=movie.area[start], minlength=len(movie.area))[parent]
    then = movie.after[parent]
    shrinking = movie.area[parent] - np.where(then < 0, 0, movie.area[then])
    return np.asarray(shrinking >= _SHRINKING * lost - _AREA_NOISE * movie.area[parent])


def _cut(movie: LinkedMovie, emitted: _Emitted) -> tuple[LinkedMovie, Int[np.ndarray, " children"]]:
    """Cut the chains of children of a split where they part; return the first of each apart."""
    chain = roots(movie.before)
    order = np.lexsort((movie.frame, chain))
    stride = movie.frames + 1
    start, parts = emitted.start[emitted.split], emitted.parts[emitted.split]
    at = np.searchsorted((chain * stride + movie.frame)[order], start * stride + parts)
    children = order[at]
    before, after = movie.before.copy(), movie.after.copy()
    late = children[before[children] >= 0]
    after[before[late]], before[late] = -1, -1
    return replace(movie, before=before, after=after), children
