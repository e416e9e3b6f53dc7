import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.io import imread

from graticule.registration.drift import UNKNOWN, drift_steps, shift_between


def film(shape=(160, 200), *, step=(0.0, 0.0), dose=200.0, gradient=0.0, seed=0):
    """A textured film that moved by a step, lit from one side, with shot noise."""
    big = np.random.default_rng(7).normal(size=(shape[0] + 64, shape[1] + 64))
    moved = ndimage.shift(ndimage.gaussian_filter(big, 3.0), step, order=3)[32:-32, 32:-32]
    light = 1 + gradient * (np.arange(shape[1]) / shape[1] - 0.5)
    mean = dose * np.clip(1 + 0.15 * moved / moved.std(), 0, None) * light
    return np.random.default_rng(seed).poisson(mean).astype(np.uint16)


@settings(max_examples=20, deadline=None)
@given(dy=st.floats(-20, 20), dx=st.floats(-20, 20))
def test_shift_is_found_to_a_quarter_of_a_pixel(dy, dx):
    found = shift_between(film(seed=1), film(step=(dy, dx), seed=2))
    assert found.measured
    assert found[:2] == pytest.approx((dy, dx), abs=0.25)


@settings(max_examples=10, deadline=None)
@given(dy=st.floats(-5, 5))
def test_there_and_back_cancel(dy):
    a, b = film(seed=1), film(step=(dy, 1.0), seed=2)
    there, back = shift_between(a, b), shift_between(b, a)
    assert there[:2] == pytest.approx((-back.dy, -back.dx), abs=0.051)


def test_light_fixed_to_the_detector_does_not_pull_the_shift_to_zero():
    found = shift_between(film(gradient=1.2, seed=1), film(step=(0.0, 6.0), gradient=1.2, seed=2))
    assert found[:2] == pytest.approx((0.0, 6.0), abs=0.15)


def test_shift_is_found_at_15_electrons_per_pixel():
    found = shift_between(
        film((512, 512), dose=15, gradient=0.6, seed=1),
        film((512, 512), step=(1.2, -0.9), dose=15, gradient=0.6, seed=2),
    )
    assert found[:2] == pytest.approx((1.2, -0.9), abs=0.2)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 70.0])
def test_blank_or_not_finite_frame_gives_no_shift(value):
    broken = np.full((160, 200), value)
    assert shift_between(film(), broken) == UNKNOWN
    assert shift_between(broken, film()) == UNKNOWN


def test_unrelated_noise_gives_no_shift():
    random = np.random.default_rng(3)
    assert not shift_between(random.normal(size=(256, 256)), random.normal(size=(256, 256))).measured


def test_a_few_dead_pixels_do_not_matter():
    a, b = film(seed=1).astype(float), film(step=(3, 0), seed=2).astype(float)
    a[5, 7] = b[5, 7] = np.nan
    assert shift_between(a, b)[:2] == pytest.approx((3, 0), abs=0.15)


def test_large_frames_are_binned_and_the_shift_stays_in_pixels():
    found = shift_between(film((1100, 300), seed=1), film((1100, 300), step=(8.0, -4.0), seed=2))
    assert found[:2] == pytest.approx((8.0, -4.0), abs=0.3)


def test_steps_of_a_run_are_those_of_its_pairs():
    frames = np.stack([film(step=(n, -n), seed=n) for n in range(4)])
    steps, measured = drift_steps(frames)
    assert steps.tolist() == [list(shift_between(a, b)[:2]) for a, b in itertools.pairwise(frames)]
    assert measured.all()


def test_one_frame_has_no_steps():
    steps, measured = drift_steps(film()[None])
    assert steps.shape == (0, 2)
    assert measured.shape == (0,)


@pytest.mark.shared_data
def test_gold_at_750_c_drifts_38_px_in_all_and_the_sum_of_steps_agrees_with_the_whole(shared_data):
    names = sorted((shared_data / "au750" / "frames").iterdir())
    frames = np.stack([imread(name, as_gray=True) for name in names])
    steps, measured = drift_steps(frames)
    path = np.cumsum(steps, axis=0)
    assert measured.all()
    assert np.linalg.norm(path, axis=1).max() == pytest.approx(40, abs=3)
    assert path[-1] == pytest.approx(shift_between(frames[0], frames[-1])[:2], abs=0.5)


@pytest.mark.shared_data
def test_liquid_cell_under_heavy_noise_never_jumps(shared_data):
    names = sorted((shared_data / "lptem" / "frames").iterdir())[:20]
    steps, _ = drift_steps(np.stack([imread(name, as_gray=True) for name in names]))
    assert np.abs(steps).max() < 6
