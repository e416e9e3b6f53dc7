"""The learning rate rises in a line and falls as a cosine."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.training.schedule import learning_rate


@settings(deadline=None)
@given(
    steps=st.integers(1, 500),
    warmup=st.integers(0, 600),
    peak=st.floats(1e-6, 1.0),
    final=st.floats(0.0, 1.0),
)
def test_it_lies_above_zero_up_to_the_peak_and_rises_before_it_falls(steps, warmup, peak, final):
    rates = [learning_rate(k, steps=steps, peak=peak, warmup=warmup, final=final) for k in range(steps)]
    assert all(0 < rate <= peak * (1 + 1e-12) for rate in rates)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert all(one >= other - 1e-12 * peak for one, other in zip(rates[top:], rates[top + 1 :], strict=False))


def test_it_reaches_the_peak_after_the_warm_up_and_its_final_share_at_the_end():
    def rate(step: int) -> float:
        return learning_rate(step, steps=1000, peak=2.0, warmup=10, final=0.1)

    assert rate(0) == pytest.approx(0.2)
    assert rate(9) == rate(10) == 2.0
    assert rate(505) == pytest.approx(1.1)
    assert rate(999) == pytest.approx(0.2, abs=1e-3)


def test_a_warm_up_longer_than_the_run_takes_half_of_it():
    rates = [learning_rate(k, steps=10, peak=1.0, warmup=100, final=0.0) for k in range(10)]
    assert rates.index(max(rates)) == 4
