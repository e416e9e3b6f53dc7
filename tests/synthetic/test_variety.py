import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graticule.synthetic import simulate
from graticule.synthetic.variety import RADIUS_PX, varied


@given(seed=st.integers(0, 2**32))
def test_every_draw_is_a_preset_that_can_be(seed):
    assert RADIUS_PX[0] <= varied(np.random.default_rng(seed)).radius_px <= RADIUS_PX[1]


def test_the_same_seed_draws_the_same_preset():
    assert varied(np.random.default_rng(5)) == varied(np.random.default_rng(5))


def test_draws_can_be_simulated_and_show_particles_of_many_sizes():
    rng = np.random.default_rng(1)
    radii = []
    for seed in range(8):
        (frame,) = simulate(varied(rng), frames=1, size=256, seed=seed)
        assert frame.labels.max() > 0
        radii.append(np.sqrt(np.median(np.bincount(frame.labels.ravel())[1:]) / np.pi))
    assert max(radii) > 2 * min(radii)
