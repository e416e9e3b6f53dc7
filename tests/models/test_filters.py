import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from graticule.models.filters import band_pass, band_pass_radius, blur, noise_gain


@pytest.mark.parametrize("sigma", [12.0, 30.0, 64.0])
def test_a_wide_blur_is_a_gaussian(sigma):
    image = np.zeros((601, 601), np.float32)
    image[300, 300] = 1.0
    exact = ndimage.gaussian_filter(image.astype(float), sigma, truncate=6)
    assert np.abs(blur(image, sigma) - exact).max() < 0.02 * exact.max()


@settings(max_examples=40, deadline=None)
@given(
    sigma=st.floats(0, 4),
    background=st.one_of(st.none(), st.floats(2, 25)),
    y=st.integers(0, 99),
    x=st.integers(0, 89),
    seed=st.integers(0, 99),
)
def test_a_window_is_smoothed_bit_for_bit_like_the_frame(sigma, background, y, x, seed):
    frame = np.random.default_rng(seed).random((100, 90), np.float32)
    radius = band_pass_radius(sigma_px=sigma, background_px=background)
    trusted = slice(y, min(y + 20, 100)), slice(x, min(x + 20, 90))
    y0, x0 = max(0, y - radius), max(0, x - radius)
    patch = frame[y0 : trusted[0].stop + radius, x0 : trusted[1].stop + radius]
    here = band_pass(patch, sigma_px=sigma, background_px=background)
    there = band_pass(frame, sigma_px=sigma, background_px=background)
    inner = slice(y - y0, trusted[0].stop - y0), slice(x - x0, trusted[1].stop - x0)
    assert np.array_equal(here[inner], there[trusted])


def test_noise_gain_is_what_a_blur_leaves_of_noise():
    noise = np.random.default_rng(0).normal(size=(40, 20000)).astype(np.float32)
    left = ndimage.gaussian_filter1d(noise, 3.0, axis=0).std(axis=1)
    gain = noise_gain(40, 3.0)
    assert np.allclose(left / left[15:25].mean(), gain, atol=0.03)
    assert gain[[0, 20]] == pytest.approx([np.sqrt(2), 1], abs=0.02)
