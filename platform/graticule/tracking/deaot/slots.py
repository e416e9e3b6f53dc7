"""Which of a few identity slots each object has: neighbours differ, far-apart objects share.

A colouring of the graph of neighbours by saturation: next is always the object with most
slots taken around it. Source: D. Brelaz 1979, Commun. ACM 22, 251 (DSATUR).
"""

import heapq

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

Places = Float[np.ndarray, "n 2"]
Slots = Int[np.ndarray, " n"]


def coloured(
    places: Places,
    radii: Float[np.ndarray, " n"],
    *,
    slots: int,
    reach: float,
    taken: Slots | None = None,
    rng: np.random.Generator | None = None,
) -> Slots:
    """Return the slot of each object, 1 to ``slots``, or 0 where its neighbours have all of them.

    Args:
        places: Centres, in pixels.
        radii: Of discs as large as the objects, in pixels.
        slots: How many there are.
        reach: Objects with a narrower gap between their outlines are neighbours; in pixels.
        taken: The slot that an object has already and keeps, or 0.
        rng: Of random slots; without one, an object gets the slot whose other objects are farthest.
    """
    found = np.zeros(len(places), np.int64) if taken is None else taken.astype(np.int64)
    near = neighbours(places, radii, reach=reach)
    around = [set(found[others].tolist()) - {0} for others in near]
    waiting = [_rank(around[one], near[one], one) for one in np.flatnonzero(found == 0).tolist()]
    heapq.heapify(waiting)
    done = found > 0
    while waiting:
        _, _, one, known = heapq.heappop(waiting)
        if done[one] or known != len(around[one]):
            continue  # a later entry knows more of what is around it
        done[one] = True
        free = [slot for slot in range(1, slots + 1) if slot not in around[one]]
        if not free:
            continue
        found[one] = _farthest(places, found, one, free) if rng is None else rng.choice(free)
        for other in near[one].tolist():
            if not done[other] and found[one] not in around[other]:
                around[other].add(int(found[one]))
                heapq.heappush(waiting, _rank(around[other], near[other], other))
    return found


def neighbours(
    places: Places, radii: Float[np.ndarray, " n"], *, reach: float
) -> list[Int[np.ndarray, " k"]]:
    """Return, of each object, those with a gap narrower than ``reach`` pixels to it."""
    if len(places) < 2:
        return [np.zeros(0, np.int64)] * len(places)
    pairs = cKDTree(places).query_pairs(2 * float(radii.max()) + reach, output_type="ndarray")
    apart = np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)
    pairs = pairs[apart - radii[pairs].sum(1) < reach]
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    ends = np.searchsorted(both[:, 0], np.arange(1, len(places)))
    return [part.astype(np.int64) for part in np.split(both[:, 1], ends)]


def _rank(around: set[int], near: Int[np.ndarray, " k"], one: int) -> tuple[int, int, int, int]:
    """Return what orders objects: most slots around it first, then most neighbours."""
    return -len(around), -len(near), one, len(around)


def _farthest(places: Places, found: Slots, one: int, free: list[int]) -> int:
    """Return the slot of ``free`` whose nearest object is farthest; of equal ones the lowest."""
    apart = ((places - places[one]) ** 2).sum(1)
    nearest = np.full(int(max(found.max(), *free)) + 1, np.inf)
    np.minimum.at(nearest, found, apart)
    return int(free[int(np.argmax(nearest[free]))])
