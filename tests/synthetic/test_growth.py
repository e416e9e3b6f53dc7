from dataclasses import replace

import numpy as np
import pytest

from graticule.synthetic import PRESETS
from graticule.synthetic.bodies import field_around, scattered, total_volume
from graticule.synthetic.growth import ripen
from graticule.synthetic.motion import APART_PX, Crowd, Drift, spread

EASY = PRESETS["easy"]


def population(view=(512, 512), preset=EASY, seed=0):
    field = field_around(view, preset)
    return field, scattered(preset, field, np.random.default_rng(seed))


def test_ripening_conserves_volume_while_small_ones_dissolve():
    _, bodies = population()
    before, count = total_volume(bodies), bodies.alive.sum()
    for _ in range(400):
        ripen(bodies, EASY)
    assert total_volume(bodies) == pytest.approx(before, rel=1e-9)
    assert bodies.alive.sum() < count


def test_ripening_feeds_those_above_the_mean_radius():
    _, bodies = population()
    before = bodies.radius.copy()
    ripen(bodies, EASY)
    grown = bodies.radius > before
    assert grown[before > 1.05 * before.mean()].all()
    assert not grown[before < 0.95 * before.mean()].any()


def test_the_mean_volume_grows_linearly_as_lifshitz_slyozov_and_wagner_say():
    # a narrow start: the long tail of a lognormal takes long to forget
    narrow = replace(EASY, size_sigma=0.05)
    _, bodies = population(view=(4096, 4096), preset=narrow)
    cubes = []
    for frame in range(9001):
        if frame >= 3000 and frame % 1500 == 0:
            cubes.append(bodies.radius[bodies.alive].mean() ** 3)
        ripen(bodies, narrow)
    rate = np.diff(cubes) / 1500 / (EASY.ripening * EASY.radius_px**3)
    assert rate.mean() == pytest.approx(4 / 9, rel=0.2)


def test_sizes_are_lognormal_around_the_preset():
    _, bodies = population(view=(4096, 4096))
    assert bodies.radius.mean() == pytest.approx(EASY.radius_px, rel=0.02)
    assert np.log(bodies.radius).std() == pytest.approx(EASY.size_sigma, rel=0.05)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_particles_start_apart_across_the_specimens_seam_too(name):
    field, bodies = population(view=(256, 200), preset=PRESETS[name])
    spread(bodies, field, np.random.default_rng(1))
    gaps = Crowd(bodies, field, reach_px=20.0).measure().gap
    assert gaps.min() > APART_PX - 0.2


def test_drift_has_the_mean_speed_of_the_preset_and_turns_slowly():
    drift = Drift(1.5, np.random.default_rng(0))
    steps = np.array([drift.step() for _ in range(5000)])
    speed = np.hypot(*steps.T)
    assert speed.mean() == pytest.approx(1.5, rel=0.05)
    cosine = (steps[1:] * steps[:-1]).sum(axis=1) / speed[1:] / speed[:-1]
    assert cosine.mean() > 0.99
