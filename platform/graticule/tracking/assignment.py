"""Who goes with whom: the cheapest set of links, each partner used once.

A sparse assignment in which leaving a pair unlinked costs ``most``. The matrix is augmented
with births and deaths as in Jaqaman et al., Nature Methods 5 (2008) 695, and solved by
scipy's LAPJVsp. Pairs that have no rival are taken at once: they are nearly all.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

_SMALL = 1e-9  # scipy takes a weight of zero for "no edge"


def assign(
    a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"], cost: Float[np.ndarray, " n"], *, most: float
) -> Bool[np.ndarray, " n"]:
    """Return which candidate pairs (a, b) are linked; each a and each b at most once.

    Args:
        a: First partner of each candidate pair, any integers >= 0.
        b: Second partner; a pair is listed once.
        cost: What the link costs, >= 0.
        most: What leaving both unlinked costs together; dearer pairs are never linked.
    """
    linked = np.zeros(len(a), dtype=np.bool_)
    fair = np.flatnonzero(cost < most)
    if not len(fair):
        return linked
    sole = (np.bincount(a[fair])[a[fair]] == 1) & (np.bincount(b[fair])[b[fair]] == 1)
    linked[fair[sole]] = True
    rivals = fair[~sole]
    if len(rivals):
        linked[rivals[_matched(a[rivals], b[rivals], cost[rivals], most)]] = True
    return linked


def _matched(
    a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"], cost: Float[np.ndarray, " n"], most: float
) -> Bool[np.ndarray, " n"]:
    (rows, i), (columns, j) = (np.unique(side, return_inverse=True) for side in (a, b))
    n, m = len(rows), len(columns)
    births, deaths = np.arange(m), np.arange(n)
    where = (
        np.concatenate([i, n + births, deaths, n + j]),
        np.concatenate([j, births, m + deaths, m + i]),
    )
    weights = np.concatenate([cost, np.full(n + m, most / 2), np.zeros(len(i))]) + _SMALL
    _, partner = min_weight_full_bipartite_matching(csr_array((weights, where), shape=(n + m, n + m)))
    return np.asarray(partner[i] == j)
