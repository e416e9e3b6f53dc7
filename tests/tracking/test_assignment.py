import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from graticule.tracking.assignment import assign


@settings(deadline=None)
@given(n=st.integers(0, 7), m=st.integers(0, 7), seed=st.integers(0, 10_000))
def test_links_cost_as_little_as_the_dense_solution(n, m, seed):
    random = np.random.default_rng(seed)
    cost = random.uniform(0, 3, (n, m))
    known = random.uniform(size=(n, m)) < 0.6
    a, b = np.nonzero(known)
    linked = assign(a, b, cost[known], most=2.0)
    gain = np.where(known, np.minimum(cost - 2.0, 0), 0)
    rows, columns = linear_sum_assignment(gain)
    np.testing.assert_allclose(np.sum(cost[known][linked] - 2.0), gain[rows, columns].sum(), atol=1e-6)
    assert len(set(a[linked])) == len(set(b[linked])) == linked.sum()


def test_a_pair_dearer_than_the_limit_is_not_linked():
    assert assign(np.array([0]), np.array([0]), np.array([2.5]), most=2.0).tolist() == [False]
