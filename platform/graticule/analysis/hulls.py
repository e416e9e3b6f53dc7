"""Convex areas of many bodies at once, exact and without a loop over bodies."""

import numpy as np
from jaxtyping import Float, Int

from graticule.analysis.segments import Segments

_Chain = tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"], Int[np.ndarray, " n"]]


def convex_area_px(segments: Segments) -> Float[np.ndarray, " bodies"]:
    """Return how many pixels of the grid have their centre in the hull of a body's centres.

    Pick's theorem gives the count from the hull polygon: A + B/2 + 1, with its area A and
    the B grid points on its edge. A digitally convex body fills its hull exactly, so its
    solidity is 1. Source: G. Pick, Lotos 19 (1899) 311.
    """
    body, row, left, right = _extremes(segments)
    twice_area, on_edge = np.zeros((2, len(segments.tracks)))
    for side, column in ((-1, left), (1, right)):
        owner, y, x = _outermost(body, row, side * column)
        within = owner[1:] == owner[:-1]
        owner, down = owner[1:][within], np.diff(y)[within]
        across, columns = np.diff(x)[within], (x[1:] + x[:-1])[within]
        twice_area += np.bincount(owner, columns * down, len(twice_area))
        on_edge += np.bincount(owner, np.gcd(down, across), len(on_edge))
    new = np.diff(body, prepend=-1) != 0
    for end in (new, np.append(new[1:], True)[: len(new)]):
        on_edge += (right - left)[end]
    return twice_area / 2 + on_edge / 2 + 1


def _extremes(segments: Segments) -> tuple[np.ndarray, ...]:
    """Return body, row, first and last column, for every row of every body."""
    body, row = segments.body, segments.row
    fresh = (np.diff(body, prepend=-1) != 0) | (np.diff(row, prepend=-1) != 0)
    final = np.append(fresh[1:], True)[: len(fresh)]
    return body[fresh], row[fresh], segments.start[fresh], segments.stop[final] - 1


def _outermost(body: np.ndarray, row: np.ndarray, reach: np.ndarray) -> _Chain:
    """Keep the corners of each body's hull, on the side of growing ``reach``.

    A point under the chord between its neighbours is no corner, whether or not they are:
    so all such points go at once, until none is left.
    """
    while True:
        inner = (body[2:] == body[1:-1]) & (body[1:-1] == body[:-2])
        before, after = row[1:-1] - row[:-2], row[2:] - row[1:-1]
        rise, fall = reach[1:-1] - reach[:-2], reach[1:-1] - reach[2:]
        under = inner & (rise * after + fall * before <= 0)
        if not under.any():
            return body, row, reach
        keep = np.concatenate([[True], ~under, [True]])
        body, row, reach = body[keep], row[keep], reach[keep]
