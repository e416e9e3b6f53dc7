"""The lineage: track ids in a fixed order, and the events with their confidence.

Confidence is 0..1 and made of what was measured:

- merge: geometric mean of persistence ``n / (n + 2)`` for n frames of contact, history
  ``m / (m + 1)`` for m frames known apart, strength (1 when fused, else twice the neck over
  the smaller diameter), and conservation of projected area, smaller over larger sum;
- split: the same from the frames lived after and before, and area;
- appear, vanish: persistence of the track; away from the border ``vanish`` loses up to half
  for area the particle still had, since a particle does not go at once.

A merge or split at the border counts half: part of it is out of sight.
"""

import numpy as np
from jaxtyping import Int

from graticule.core.lineage import Event, Lineage
from graticule.tracking.bodies import Bodies, Change
from graticule.tracking.merging import Merges
from graticule.tracking.outlook import Sight, first_and_last_sight, over_the_border
from graticule.tracking.pieces import Identities

_ORDER = ("merge", "split", "appear", "vanish")


def lineage_of(
    known: Identities,
    bodies: Bodies,
    merges: Merges,
    *,
    shape: tuple[int, int],
    least_frames_seen: int = 1,
) -> Lineage:
    """Return identities and events; tracks are numbered by first frame, then label.

    Bodies seen in fewer than ``least_frames_seen`` frames, and in no merge or split, are left out.
    """
    movie = known.movie
    first, last = first_and_last_sight(movie, bodies)
    changing = [body for change in bodies.changes for body in (*change.parents, *change.children)]
    kept = (first.seen >= least_frames_seen) | np.isin(np.arange(len(first.seen)), changing)
    told = kept[bodies.body]
    track = _numbers(bodies.body[told], len(first.seen))
    changed = [change for change in (_seen(change, track) for change in bodies.changes) if change]
    events = [_changed(change, first, last, track, merges) for change in changed]
    events += _comings_and_goings(known, changed, first, last, track, shape=shape)
    events.sort(key=lambda event: (event.frame, _ORDER.index(event.kind), event.parents, event.children))
    return Lineage(
        frame=movie.frame[told],
        label=movie.label[told],
        track=track[bodies.body[told]],
        drift_px=movie.drift,
        events=tuple(events),
    )


def _numbers(body: Int[np.ndarray, " n"], count: int) -> Int[np.ndarray, " bodies"]:
    """Return the track id of each body, 0 for one that has no instance."""
    names, at = np.unique(body, return_index=True)
    track = np.zeros(count, dtype=np.int64)
    track[names[np.argsort(at)]] = np.arange(1, len(names) + 1)
    return track


def _seen(change: Change, track: Int[np.ndarray, " bodies"]) -> Change | None:
    """Return the change without bodies that have no instance; ``None`` if it is none then."""
    parents = tuple(body for body in change.parents if body < len(track) and track[body])
    children = tuple(body for body in change.children if body < len(track) and track[body])
    many = parents if change.kind == "merge" else children
    if len(many) < 2 or not parents or not children:
        return None
    return Change(kind=change.kind, frame=change.frame, parents=parents, children=children, rows=change.rows)


def _changed(
    change: Change, first: Sight, last: Sight, track: Int[np.ndarray, " bodies"], merges: Merges
) -> Event:
    parents, children = list(change.parents), list(change.children)
    before, after = last.area[parents].sum(), first.area[children].sum()
    evidence = [min(before, after) / max(before, after)]
    if change.kind == "merge":
        rows = list(change.rows)
        evidence += [_share(int(merges.frames[rows].max()), 2), _share(int(merges.apart[rows].max()), 1)]
        evidence += [float(merges.strength[rows].min())]
    else:
        evidence += [_share(int(first.seen[children].min()), 2), _share(int(first.seen[parents].min()), 1)]
    where = children if change.kind == "merge" else parents
    sight = first if change.kind == "merge" else last
    border = bool(first.border[children].any() or last.border[parents].any())
    y, x = np.average(sight.centre[where], axis=0)
    return Event(
        kind="merge" if change.kind == "merge" else "split",
        frame=change.frame,
        parents=tuple(sorted(int(track[body]) for body in parents)),
        children=tuple(sorted(int(track[body]) for body in children)),
        y_px=float(y),
        x_px=float(x),
        at_border=border,
        confidence=float(np.prod(evidence) ** (1 / len(evidence))) * (0.5 if border else 1.0),
    )


def _share(frames: int, half: int) -> float:
    return frames / (frames + half)


def _comings_and_goings(
    known: Identities,
    changed: list[Change],
    first: Sight,
    last: Sight,
    track: Int[np.ndarray, " bodies"],
    *,
    shape: tuple[int, int],
) -> list[Event]:
    movie = known.movie
    came, went = over_the_border(movie, first, last, shape=shape)
    born = {body for change in changed for body in change.children}
    ended = {body for change in changed for body in change.parents}
    events = []
    for body in np.flatnonzero(track).tolist():
        name, sure = int(track[body]), _share(int(first.seen[body]), 2)
        if body not in born and first.frame[body] > 0:
            events.append(_alone("appear", first, body, name, bool(came[body]), sure))
        if body not in ended and last.frame[body] < movie.frames - 1:
            left = min(1.0, last.area[body] / first.area[body])
            sure *= 1.0 if went[body] else float(1 - 0.5 * left)
            events.append(_alone("vanish", last, body, name, bool(went[body]), sure))
    return events


def _alone(kind: str, sight: Sight, body: int, track: int, at_border: bool, confidence: float) -> Event:
    appears = kind == "appear"
    return Event(
        kind="appear" if appears else "vanish",
        frame=int(sight.frame[body]) + (0 if appears else 1),
        parents=() if appears else (track,),
        children=(track,) if appears else (),
        y_px=float(sight.centre[body, 0]),
        x_px=float(sight.centre[body, 1]),
        at_border=at_border,
        confidence=confidence,
    )
