"""Who is seen in each frame: labels, identities and events, as a perfect observer has them.

A particle is seen while enough of it lies in the view; one that leaves and comes back is
another track. Where outlines overlap, a pixel belongs to the thicker body. Particles
of the first frame do not appear, those of the last do not vanish: neither is an event.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt32

from graticule.core.lineage import Event, EventKind, Lineage
from graticule.synthetic.bodies import Bodies
from graticule.synthetic.raster import Cover
from graticule.synthetic.world import Joining

ENTRY_AREA_PX, EXIT_AREA_PX = 18, 9
"""A particle comes into sight with so many pixels in view, and is lost below so many."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Outlook:
    """What of each body is in view; one entry per slot. Places of masks, in pixels."""

    area: Int[np.ndarray, " n"]
    y: Float[np.ndarray, " n"]
    x: Float[np.ndarray, " n"]
    at_border: Bool[np.ndarray, " n"]


class Census:
    """Follows the bodies of one movie and keeps their lineage."""

    def __init__(self, view: tuple[int, int]) -> None:
        self._view = view
        self._newest = 0
        self._tracks: list[Int[np.ndarray, " k"]] = []
        self._drift: list[Float[np.ndarray, " 2"]] = []
        self._events: list[Event] = []
        self._before: Outlook | None = None

    def take(
        self, bodies: Bodies, cover: Cover, joined: list[Joining], drift_px: Float[np.ndarray, " 2"]
    ) -> tuple[UInt32[np.ndarray, "y x"], Int[np.ndarray, " k"]]:
        """Look at the next frame; return its labels and the track of each label.

        Args:
            bodies: All of them; their ``track`` is brought up to date.
            cover: Their pixels; ``owner`` is the slot.
            joined: Which bodies stick from this frame on.
            drift_px: Where the specimen is.
        """
        owners, outlook = _look(cover, self._view, len(bodies.alive))
        self._merge(bodies, outlook, joined)
        self._leave(bodies, outlook)
        self._enter(bodies, outlook)
        self._before = outlook
        slots = np.flatnonzero(bodies.track)
        slots = slots[np.argsort(bodies.track[slots])]
        label_of = np.zeros(len(bodies.alive) + 1, dtype=np.uint32)
        label_of[slots] = np.arange(1, len(slots) + 1)
        self._tracks.append(bodies.track[slots])
        self._drift.append(drift_px.copy())
        return label_of[owners], bodies.track[slots]

    def lineage(self) -> Lineage:
        """Return the identities of all frames taken so far."""
        counts = [len(tracks) for tracks in self._tracks]
        labels = [np.arange(1, count + 1, dtype=np.uint32) for count in counts]
        return Lineage(
            frame=np.repeat(np.arange(len(counts)), counts),
            label=np.concatenate([np.zeros(0, np.uint32), *labels]),
            track=np.concatenate([np.zeros(0, np.int64), *self._tracks]),
            drift_px=np.array(self._drift).reshape(-1, 2),
            events=tuple(self._events),
        )

    def _merge(self, bodies: Bodies, outlook: Outlook, joined: list[Joining]) -> None:
        for joining in joined:
            parents = sorted(bodies.track[list(joining.parents)].tolist())
            bodies.track[list(joining.parents)] = 0
            if parents[-1] == 0:
                continue
            assert parents[0] > 0, "one of two bodies that stick was out of sight"
            child = joining.child
            bodies.track[child] = self._name()
            at_border = bool(outlook.at_border[child])
            self._record("merge", outlook, child, tuple(parents), (self._newest,), at_border)

    def _leave(self, bodies: Bodies, outlook: Outlook) -> None:
        for slot in np.flatnonzero((bodies.track > 0) & (outlook.area < EXIT_AREA_PX)).tolist():
            assert self._before is not None, "nothing can leave the first frame"
            at_border = bool(bodies.alive[slot] or self._before.at_border[slot])
            self._record("vanish", self._before, slot, (int(bodies.track[slot]),), (), at_border)
            bodies.track[slot] = 0

    def _enter(self, bodies: Bodies, outlook: Outlook) -> None:
        for slot in np.flatnonzero((bodies.track == 0) & (outlook.area >= ENTRY_AREA_PX)).tolist():
            bodies.track[slot] = self._name()
            if self._tracks:
                at_border = bool(outlook.at_border[slot])
                self._record("appear", outlook, slot, (), (self._newest,), at_border)

    def _name(self) -> int:
        self._newest += 1
        return self._newest

    def _record(
        self,
        kind: EventKind,
        where: Outlook,
        slot: int,
        parents: tuple[int, ...],
        children: tuple[int, ...],
        at_border: bool,
    ) -> None:
        self._events.append(
            Event(
                kind=kind,
                frame=len(self._tracks),
                parents=parents,
                children=children,
                y_px=float(where.y[slot]),
                x_px=float(where.x[slot]),
                at_border=at_border,
                confidence=1.0,
            )
        )


def _look(cover: Cover, view: tuple[int, int], slots: int) -> tuple[Int[np.ndarray, "y x"], Outlook]:
    """Return the slot that owns each pixel (``slots`` where none does), and what is seen."""
    height, width = view
    seen = np.flatnonzero((cover.y >= 0) & (cover.y < height) & (cover.x >= 0) & (cover.x < width))
    # the last assignment stays: the thickest body comes last, of equal ones the later slot
    seen = seen[np.argsort(cover.thickness[seen], kind="stable")]
    owner, y, x = cover.owner[seen], cover.y[seen], cover.x[seen]
    owners = np.full(view, slots, dtype=np.int32)
    owners[y, x] = owner
    own = np.flatnonzero(owners[y, x] == owner)
    owner, y, x = owner[own], y[own], x[own]
    area = np.bincount(owner, minlength=slots)
    edge = owner[(y == 0) | (y == height - 1) | (x == 0) | (x == width - 1)]
    at_border = np.zeros(slots, dtype=bool)
    at_border[edge] = True
    some = np.maximum(area, 1)
    return owners, Outlook(
        area=area,
        y=np.bincount(owner, y, slots) / some,
        x=np.bincount(owner, x, slots) / some,
        at_border=at_border,
    )
