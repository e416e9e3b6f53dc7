"""Links between instances -> identities and events.

Where links meet or fork, tracks end and others begin: a merge where two or more links come
together, a split where they go apart, both in the frame where the link arrives.
"""

from collections import defaultdict
from itertools import chain, pairwise

import numpy as np
from jaxtyping import Bool, Int

from graticule.core.lineage import Lineage
from graticule.tracking.bodies import Bodies, Change
from graticule.tracking.chains import roots
from graticule.tracking.libraries.seen import SeenMovie
from graticule.tracking.lineage import lineage_of
from graticule.tracking.linked import LinkedMovie
from graticule.tracking.merging import Merges
from graticule.tracking.pieces import Identities, Splits

Links = Int[np.ndarray, "links 2"]
"""Instances (earlier, later), each pair once; there may be frames between them."""


def lineage_of_links(seen: SeenMovie, links: Links, *, shape: tuple[int, int]) -> Lineage:
    """Return tracks and events in a movie of frames of ``shape`` (y, x)."""
    n = len(seen.frame)
    earlier, later = links.T
    meeting = np.bincount(later, minlength=n) > 1
    forking = np.bincount(earlier, minlength=n) > 1
    plain = ~meeting[later] & ~forking[earlier]
    before, after = np.full(n, -1), np.full(n, -1)
    before[later[plain]], after[earlier[plain]] = earlier[plain], later[plain]
    _, body = np.unique(roots(before), return_inverse=True)
    merges, changes = _witnessed(_changes(seen, body, links, meeting, forking), np.bincount(body))
    movie = _linked(seen, before, after)
    none = np.zeros(0, dtype=np.int64)
    known = Identities(movie=movie, identity=body, splits=Splits(frame=none, parent=none, child=none))
    return lineage_of(known, Bodies(body=body, changes=changes), merges, shape=shape)


def _changes(
    seen: SeenMovie,
    body: Int[np.ndarray, " n"],
    links: Links,
    meeting: Bool[np.ndarray, " n"],
    forking: Bool[np.ndarray, " n"],
) -> list[Change]:
    """Return merges and splits in order of time."""
    into, out_of = defaultdict(list), defaultdict(list)
    for earlier, later in links.tolist():
        if meeting[later]:
            into[later].append(earlier)
        if forking[earlier]:
            out_of[earlier].append(later)
    changes = [
        Change(
            kind="merge",
            frame=int(seen.frame[child]),
            parents=tuple(sorted({int(body[one]) for one in parents})),
            children=(int(body[child]),),
        )
        for child, parents in into.items()
    ]
    changes += [
        Change(
            kind="split",
            frame=min(int(seen.frame[one]) for one in children),
            parents=(int(body[parent]),),
            children=tuple(sorted({int(body[one]) for one in children})),
        )
        for parent, children in out_of.items()
    ]
    return sorted(changes, key=lambda change: (change.frame, change.kind, change.parents))


def _witnessed(changes: list[Change], lived: Int[np.ndarray, " bodies"]) -> tuple[Merges, tuple[Change, ...]]:
    """Return a row for each merge, from which its confidence is told, and the changes that name them."""
    merges = [change for change in changes if change.kind == "merge"]
    rows = {change: row for row, change in enumerate(merges)}
    named = tuple(
        Change(
            kind=change.kind,
            frame=change.frame,
            parents=change.parents,
            children=change.children,
            rows=(rows[change],) if change in rows else (),
        )
        for change in changes
    )
    columns = [
        np.array(list(values), dtype=np.int64)
        for values in (
            (change.frame for change in merges),
            (change.parents[0] for change in merges),
            (change.parents[-1] for change in merges),
            (lived[change.children[0]] for change in merges),
            (min(lived[list(change.parents)]) for change in merges),
        )
    ]
    frame, a, b, frames, apart = columns
    return Merges(frame=frame, a=a, b=b, strength=np.ones(len(merges)), frames=frames, apart=apart), named


def _linked(seen: SeenMovie, before: Int[np.ndarray, " n"], after: Int[np.ndarray, " n"]) -> LinkedMovie:
    n = len(seen.frame)
    nobody, nothing = np.full(n, -1), np.zeros(n)
    none = np.zeros(0, dtype=np.int64)
    return LinkedMovie(
        frames=seen.frames,
        drift=seen.drift,
        frame=seen.frame,
        label=seen.label,
        area=seen.area,
        centre=seen.centre,
        border=seen.border,
        before=before,
        after=after,
        host_before=nobody,
        part_before=nothing,
        host_after=nobody,
        part_after=nothing,
        contact_a=none,
        contact_b=none,
        contact_length=np.zeros(0),
        motion_px=0.0,
    )


def links_of_chains(chains: list[list[int]]) -> Links:
    """Return the links of chains of instances, each in order of time."""
    pairs = chain.from_iterable(pairwise(one) for one in chains)
    return np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
