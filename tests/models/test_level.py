import numpy as np
import pytest
from scipy import ndimage

from graticule.models.level import FALSE_SHARE, LEAST_HEIGHT, prominent_height

FRAME = {"pixels": 1024**2, "sigma_px": 6.0}


def summits(rng, *, size=256, sigma=3.0):
    """Heights of the summits of smoothed white noise of standard deviation 1."""
    gain = 2 * sigma * np.sqrt(np.pi)
    noise = gain * ndimage.gaussian_filter(rng.normal(size=(size, size)), sigma, mode="wrap")
    return noise[noise == ndimage.maximum_filter(noise, size=3, mode="wrap")]


def test_among_summits_of_noise_hardly_any_passes():
    rng = np.random.default_rng(1)
    frames = [summits(rng) for _ in range(200)]
    passed = [(tops > prominent_height(tops, pixels=256**2, sigma_px=3.0)).any() for tops in frames]
    assert np.mean(passed) <= FALSE_SHARE + 0.08


def test_a_few_particles_pass_and_the_noise_below_them_does_not():
    particles, noise = np.array([7.0, 7.5, 8.0, 9.0, 10.0, 11.0]), np.linspace(3.5, 3.9, 8)
    height = prominent_height(np.concatenate([particles, noise]), **FRAME)
    assert 3.9 < height < 7


def test_among_many_particles_a_fainter_one_is_believed():
    few, many = np.full(3, 8.0), np.full(300, 8.0)
    assert prominent_height(many, **FRAME) == LEAST_HEIGHT < prominent_height(few, **FRAME)


@pytest.mark.parametrize("tops", [np.zeros(0), np.array([3.6])])
def test_without_particles_noise_must_be_towered_over(tops):
    assert prominent_height(tops, **FRAME) > 4
