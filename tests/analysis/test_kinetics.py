import numpy as np
import pytest

from graticule.analysis.kinetics import coarsening, drift_summary, number_density


@pytest.mark.parametrize("exponent", [2.0, 3.0, 4.0])
def test_the_exponent_of_a_known_law_is_found_within_three_errors(exponent):
    time = np.linspace(0, 600, 600)
    error = np.full(600, 0.005)
    radius = 3 * (1 + time / 20) ** (1 / exponent) + np.random.default_rng(1).normal(0, error)
    fit = coarsening(time, radius, error)
    assert fit.determined
    assert abs(fit.exponent - exponent) < 3 * fit.exponent_error
    assert fit.initial_radius == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("memory", [1, 11, 31])
def test_errors_of_the_exponent_are_honest_with_noise_that_has_a_memory(memory):
    time, error = np.linspace(0, 600, 200), np.full(200, 0.02)
    law = 3 * (1 + time / 20) ** (1 / 3)
    misses = []
    for seed in range(25):
        white = np.random.default_rng(seed).normal(0, 0.02, 199 + memory)
        slow = np.convolve(white, np.ones(memory) / memory**0.5, "valid")
        fit = coarsening(time, law + slow, error)
        misses.append((fit.exponent - 3) / fit.exponent_error)
    assert np.std(misses) < 1.5


@pytest.mark.parametrize(
    ("radius", "reason"),
    [(np.full(50, 4.0), "changed by"), (np.full(50, np.nan), "fewer than 8 frames")],
)
def test_a_movie_that_does_not_fix_the_exponent_says_why(radius, reason):
    fit = coarsening(np.arange(50.0), radius, np.full(50, 0.1))
    assert not fit.determined
    assert reason in fit.reason


def test_straight_growth_leaves_the_exponent_open():
    time = np.arange(40.0)
    radius = 4 + 0.01 * time + np.random.default_rng(0).normal(0, 0.05, 40)
    assert not coarsening(time, radius, np.full(40, 0.05)).determined


def test_drift_goes_along_the_path():
    drift = drift_summary(np.array([[0.0, 0.0], [3.0, 4.0], [np.nan, 0.0], [0.0, 0.0]]), duration=5.0)
    assert (drift.net, drift.path, drift.speed) == (0.0, 10.0, 2.0)


def test_density_carries_the_error_of_counting():
    density, error = number_density(np.array([100]), field_area=4.0)
    assert (density[0], error[0]) == (25.0, 2.5)
