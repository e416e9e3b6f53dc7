"""Chains of links: who is the same, from who came before."""

import numpy as np
from jaxtyping import Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def roots(before: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Return the first member of each one's chain; ``before`` is -1 at a chain's start.

    Pointer doubling: as many passes as the longest chain has binary digits.
    """
    ahead = np.where(before < 0, np.arange(len(before)), before)
    while True:
        further = ahead[ahead]
        if np.array_equal(further, ahead):
            return ahead
        ahead = further


def unions(size: int, a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"]) -> Int[np.ndarray, " size"]:
    """Return the lowest member of each one's set after all pairs (a, b) are joined."""
    pairs = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(size, size))
    count, which = connected_components(pairs, directed=False)
    lowest = np.full(count, size, dtype=np.int64)
    np.minimum.at(lowest, which, np.arange(size))
    return np.asarray(lowest[which])


def first_and_last(
    chain: Int[np.ndarray, " n"], frame: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Return the first and last frame of each chain, at the position of the chain's name."""
    first = np.full(len(chain), np.iinfo(np.int64).max)
    last = np.full(len(chain), -1)
    np.minimum.at(first, chain, frame)
    np.maximum.at(last, chain, frame)
    return first, last
