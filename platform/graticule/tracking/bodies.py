"""Bodies: what carries one id. They begin and end with merges and splits, in order of time.

A body is a set of identities in lasting contact. When bodies that existed apart join, they
end and a child begins; what is born into the contact joins without an event.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int

from graticule.tracking.chains import first_and_last
from graticule.tracking.merging import Merges
from graticule.tracking.pieces import Identities


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A merge or split of bodies; ``rows`` are the merges' rows that witness it."""

    kind: str
    frame: int
    parents: tuple[int, ...]
    children: tuple[int, ...]
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Bodies:
    """The body of each instance, and the changes in order of time."""

    body: Int[np.ndarray, " n"]
    changes: tuple[Change, ...]


@dataclass(slots=True)
class _Ledger:
    """Which body an identity belongs to, and since when. Bodies are numbered as they come."""

    first: np.ndarray
    body: dict[int, int] = field(default_factory=dict)
    members: dict[int, set[int]] = field(default_factory=dict)
    began: dict[int, int] = field(default_factory=dict)
    entries: list[tuple[int, int, int]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def of(self, identity: int) -> int:
        """Return the identity's body of now; a lone identity has been one all along."""
        if identity not in self.body:
            self._found({identity}, 0)
            self.began[self.body[identity]] = int(self.first[identity])
        return self.body[identity]

    def join(self, bodies: set[int], frame: int, rows: tuple[int, ...]) -> None:
        """Make one body of several at a frame."""
        apart = sorted(body for body in bodies if self.began[body] < frame)
        members = set().union(*(self.members[body] for body in bodies))
        if len(apart) == 1:
            self._move(members - self.members[apart[0]], apart[0], frame)
            return
        child = self._found(members, frame)
        if apart:
            change = Change(kind="merge", frame=frame, parents=tuple(apart), children=(child,), rows=rows)
            self.changes.append(change)

    def part(self, parent: int, leaving: list[int], frame: int) -> None:
        """End a body at a frame; each leaving identity and the rest live on as new bodies."""
        rest = {name for name in self.members[parent] if name not in leaving}
        children = [self._found(rest, frame)] if rest else []
        children += [self._found({name}, frame) for name in leaving]
        change = Change(kind="split", frame=frame, parents=(parent,), children=tuple(children))
        self.changes.append(change)

    def _found(self, members: set[int], frame: int) -> int:
        body = len(self.members)
        self.members[body], self.began[body] = set(), frame
        self._move(members, body, frame)
        return body

    def _move(self, members: set[int], body: int, frame: int) -> None:
        for name in sorted(members):
            self.body[name] = body
            self.entries.append((name, frame, body))
        self.members[body] |= members


def bodies_of(known: Identities, merges: Merges) -> Bodies:
    """Return the body of each instance, and how bodies came and went."""
    first, _ = first_and_last(known.identity, known.movie.frame)
    ledger = _Ledger(first)
    splits, joins = _by_frame(known.splits.frame), _by_frame(merges.frame)
    for frame in sorted({*splits, *joins}):
        leaving: dict[int, list[int]] = defaultdict(list)
        for row in splits[frame]:
            leaving[ledger.of(int(known.splits.parent[row]))].append(int(known.splits.child[row]))
        for parent, children in leaving.items():
            ledger.part(parent, children, frame)
        for bodies, rows in _groups(ledger, merges, joins[frame]):
            ledger.join(bodies, frame, tuple(rows))
    for name in np.unique(known.identity).tolist():
        ledger.of(name)
    return Bodies(body=_looked_up(ledger, known), changes=tuple(ledger.changes))


def _by_frame(frame: Int[np.ndarray, " n"]) -> dict[int, list[int]]:
    rows: dict[int, list[int]] = defaultdict(list)
    for row, value in enumerate(frame.tolist()):
        rows[value].append(row)
    return rows


def _groups(ledger: _Ledger, merges: Merges, rows: list[int]) -> list[tuple[set[int], list[int]]]:
    """Return the sets of bodies that the rows join, each with its rows."""
    groups: list[tuple[set[int], list[int]]] = []
    for row in rows:
        joined = {ledger.of(int(merges.a[row])), ledger.of(int(merges.b[row]))}
        if len(joined) == 1:
            continue
        meeting = [group for group in groups if group[0] & joined]
        groups = [group for group in groups if not group[0] & joined]
        bodies = joined.union(*(group[0] for group in meeting))
        groups.append((bodies, [*(r for group in meeting for r in group[1]), row]))
    return groups


def _looked_up(ledger: _Ledger, known: Identities) -> Int[np.ndarray, " n"]:
    entries = np.array(ledger.entries, dtype=np.int64).reshape(-1, 3)
    stride = known.movie.frames + 2
    keys = entries[:, 0] * stride + entries[:, 1]
    order = np.argsort(keys, kind="stable")  # of two entries in one frame the later one holds
    at = np.searchsorted(keys[order], known.identity * stride + known.movie.frame, side="right") - 1
    return np.asarray(entries[order[at], 2])
