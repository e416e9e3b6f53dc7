import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.analysis.sizes import nice_step, size_distribution, sizes_by_frame

sample = st.lists(st.tuples(st.integers(0, 3), st.floats(0.5, 100)), max_size=60)


@given(sample=sample)
def test_mean_and_median_are_those_of_numpy(sample):
    frame = np.array([f for f, _ in sample], np.int64)
    size = np.array([s for _, s in sample], float)
    series = sizes_by_frame(frame, size, frames=5)
    for index in range(5):
        mine = size[frame == index]
        assert series.count[index] == len(mine)
        if len(mine):
            assert series.mean[index] == pytest.approx(mine.mean())
            assert series.median[index] == pytest.approx(np.median(mine))
            assert series.median_low[index] <= series.median[index] <= series.median_high[index]
        else:
            assert np.isnan(series.mean[index])


def test_the_interval_holds_the_true_median_in_95_of_100_samples():
    rng = np.random.default_rng(5)
    frame = np.repeat(np.arange(2000), 41)
    series = sizes_by_frame(frame, rng.lognormal(2, 0.25, frame.size), frames=2000)
    held = (series.median_low <= np.exp(2)) & (np.exp(2) <= series.median_high)
    assert 0.94 < held.mean() < 0.985


def test_standard_error_is_that_of_the_textbook():
    series = sizes_by_frame(np.zeros(4, np.int64), np.array([1.0, 2.0, 3.0, 6.0]), frames=1)
    assert series.mean_error[0] == pytest.approx(np.std([1, 2, 3, 6], ddof=1) / 2)


def test_a_track_counts_once_in_each_period():
    period = np.array([0, 0, 0, 1])
    found = size_distribution(period, np.array([7, 7, 8, 7]), np.array([4.0, 6.0, 9.0, 5.0]), periods=2)
    assert found.count.tolist() == [2, 1]


@given(sizes=st.lists(st.floats(0.5, 500), min_size=1, max_size=80))
def test_densities_integrate_to_one(sizes):
    n = len(sizes)
    found = size_distribution(np.zeros(n, np.int64), np.arange(n), np.array(sizes), periods=2)
    assert (found.density[0] * np.diff(found.edges)).sum() == pytest.approx(1)
    assert not found.density[1].any()
    assert found.edges[0] <= min(sizes)
    assert found.edges[-1] >= max(sizes)


@given(length=st.floats(1e-6, 1e6))
def test_nice_steps_are_1_2_5(length):
    step = nice_step(length)
    assert step <= length * 1.0001 < step * 2.5001
    assert round(step / 10 ** np.floor(np.log10(step * 1.0001)), 6) in (1, 2, 5)
