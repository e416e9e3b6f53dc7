"""Particles wider than the overlap of two views: give both halves one name."""

from itertools import combinations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graticule.models.efficient_sam.automatic.candidate import Candidate, Lattice, are_halves

AGREE = 0.5
"""Two halves are one body if their masks agree so well where both views look."""


def names(candidates: list[Candidate]) -> list[int]:
    """Return a number from 1 for each candidate; halves of one body, cut by their views, share it."""
    halves = [(k, candidate) for k, candidate in enumerate(candidates) if candidate.cut]
    pairs = [
        (i, j)
        for (i, one), (j, other) in combinations(halves, 2)
        if are_halves(one, other) and _agree(one, other)
    ]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    count = len(candidates)
    graph = coo_array((np.ones(len(pairs), bool), (rows, columns)), shape=(count, count))
    found: list[int] = (connected_components(graph, directed=False)[1] + 1).tolist()
    return found


def _agree(one: Candidate, other: Candidate) -> bool:
    a, b = _seen(one.lattice), _seen(other.lattice)
    box = max(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), min(a[3], b[3])
    if box[0] >= box[1] or box[2] >= box[3]:
        return False
    first, second = _drawn(one, box), _drawn(other, box)
    either = np.count_nonzero(first | second)
    return bool(either > 0 and np.count_nonzero(first & second) > AGREE * either)


def _seen(lattice: Lattice) -> tuple[int, int, int, int]:
    y, x = lattice.origin
    return y, y + lattice.size, x, x + lattice.size


def _drawn(candidate: Candidate, box: tuple[int, int, int, int]) -> np.ndarray:
    """Return the candidate's mask in ``box``, all of which its view has seen."""
    y0, y1, x0, x1 = box
    c = candidate.box
    inner = max(y0, c[0]), min(y1, c[1]), max(x0, c[2]), min(x1, c[3])
    out = np.zeros((y1 - y0, x1 - x0), bool)
    if inner[0] < inner[1] and inner[2] < inner[3]:
        place = slice(inner[0] - y0, inner[1] - y0), slice(inner[2] - x0, inner[3] - x0)
        out[place] = candidate.within(inner)
    return out
