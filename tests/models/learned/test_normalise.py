import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.models.learned.normalise import SAMPLE_PIXELS, measure_frame, normalised
from models.learned.networks import scene


@given(seed=st.integers(0, 1000), gain=st.sampled_from([1, 200]), offset=st.integers(0, 5000))
def test_gain_and_offset_of_the_camera_do_not_matter(seed, gain, offset):
    frame = np.random.default_rng(seed).integers(0, 250, (20, 30), np.uint8)
    other = (frame.astype(np.uint16) * gain + offset).astype(np.uint16)
    seen, same = (normalised(f, measure_frame(f), dark=True) for f in (frame, other))
    assert np.allclose(seen, same, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_every_pixel_type_gives_the_same_range(dtype):
    frame = scene(0)
    measured = measure_frame(frame.astype(dtype))
    assert measured == measure_frame(frame)
    assert np.array_equal(
        normalised(frame.astype(dtype), measured, dark=True), normalised(frame, measured, dark=True)
    )


def test_bright_particles_become_dark():
    frame = scene(1)
    turned = 255 - frame
    seen = normalised(turned, measure_frame(turned), dark=False)
    assert np.allclose(seen, normalised(frame, measure_frame(frame), dark=True), atol=1e-6)


def test_a_window_is_normalised_like_its_frame():
    frame = scene(2)
    measured = measure_frame(frame)
    assert np.array_equal(
        normalised(frame[10:40, 20:90], measured, dark=True),
        normalised(frame, measured, dark=True)[10:40, 20:90],
    )


def test_hot_and_dead_pixels_do_not_squeeze_the_range():
    frame = scene(3, dtype=np.uint16)
    spoilt = frame.copy()
    spoilt[::31, ::29], spoilt[::37, ::41] = 65_535, 0
    clean, measured = measure_frame(frame), measure_frame(spoilt)
    assert abs(measured["low"] - clean["low"]) < 6
    assert abs(measured["high"] - clean["high"]) < 6


@pytest.mark.parametrize("level", [0, 65_535])
def test_a_beam_stop_does_not_squeeze_the_range(level):
    frame = scene(4, dtype=np.uint16)
    frame = (frame + np.uint16(300)).astype(np.uint16)
    stopped = frame.copy()
    stopped[:, 60:75] = level
    clean, measured = measure_frame(frame), measure_frame(stopped)
    assert abs(measured["low"] - clean["low"]) < 5
    assert abs(measured["high"] - clean["high"]) < 5


def test_counts_near_zero_are_signal():
    frame = np.random.default_rng(0).poisson(0.8, (200, 200)).astype(np.uint8)
    assert measure_frame(frame)["low"] == 0.0


@pytest.mark.parametrize(("odd", "background"), [(0, 0.5), (255, 0.5)])
def test_what_is_all_but_one_pixel_is_grey(odd, background):
    frame = np.full((50, 50), 100, np.uint8)
    frame[7, 7] = odd
    seen = normalised(frame, measure_frame(frame), dark=True)
    assert seen[0, 0] == background
    assert abs(seen[7, 7] - background) == pytest.approx(0.5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_frames_that_are_not_finite_are_flagged(value):
    frame = np.ones((9, 9), np.float32)
    frame[4, 4] = value
    assert measure_frame(frame) == {"empty": 1.0, "not_finite": 1.0}


@pytest.mark.parametrize("value", [0, 7])
def test_frames_of_one_grey_are_blank(value):
    assert measure_frame(np.full((9, 1), value, np.uint16)) == {"empty": 1.0, "blank": 1.0}


@pytest.mark.parametrize("unit", [1e-300, 1e-30, 1e30])
def test_the_unit_of_the_intensities_does_not_matter(unit):
    frame = scene(5).astype(np.float64)
    seen = normalised(frame * unit, measure_frame(frame * unit), dark=True)
    assert np.allclose(seen, normalised(frame, measure_frame(frame), dark=True), atol=1e-5)


def test_huge_frames_are_sampled_and_give_nearly_the_same_range():
    frame = np.random.default_rng(0).normal(100, 10, (3000, 3000)).astype(np.float32)
    assert frame.size > SAMPLE_PIXELS
    measured = measure_frame(frame)
    assert measured["low"] == pytest.approx(np.quantile(frame, 0.005), abs=0.1)
    assert measured == measure_frame(frame)


def test_it_needs_no_torch():
    code = "import sys, graticule.models.learned.normalise; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
