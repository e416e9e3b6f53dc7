from dataclasses import replace

import numpy as np
import pytest

from graticule.synthetic import PRESETS, simulate
from graticule.synthetic.bodies import field_around
from graticule.synthetic.camera import Camera, diffraction_contrast
from graticule.synthetic.optics import Film, illumination
from graticule.synthetic.raster import Cover

NOTHING = Cover(
    owner=np.zeros(0, int), y=np.zeros(0, int), x=np.zeros(0, int), thickness=np.zeros(0), share=np.zeros(0)
)


def empty_film(preset, view=(256, 256)):
    camera = Camera(preset, field_around(view, preset), 0)
    return camera, camera.expected(NOTHING, np.zeros(0), np.zeros(2))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_counts_are_poisson(name):
    camera, expected = empty_film(PRESETS[name])
    draws = np.stack([camera.counts(expected, frame) for frame in range(60)]).astype(float)
    standard = (draws - expected) / np.sqrt(expected)
    assert standard.mean() == pytest.approx(0, abs=0.005)
    assert standard.var() == pytest.approx(1, abs=0.01)
    # skewness of Poisson is 1 / sqrt(mean): a normal stand-in would have none
    assert (standard**3).mean() == pytest.approx((1 / np.sqrt(expected)).mean(), abs=0.01)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_the_empty_film_lets_the_dose_through(name):
    _, expected = empty_film(PRESETS[name])
    assert expected.mean() == pytest.approx(PRESETS[name].dose, rel=0.02)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_illumination_has_mean_one_and_the_gradient_of_the_preset(name):
    light = illumination(PRESETS[name], (300, 512), 4)
    assert light.mean() == pytest.approx(1, abs=1e-4)
    assert np.ptp(light) == pytest.approx(PRESETS[name].gradient, abs=1e-4)


def test_the_centre_of_a_large_sphere_obeys_mass_thickness_contrast():
    preset = replace(PRESETS["easy"], film_contrast=1e-6, gradient=0.0)
    view, radius = (128, 128), 30
    camera = Camera(preset, field_around(view, preset), 0)
    y, x = np.mgrid[:128, :128]
    square = radius**2 - (y - 64) ** 2 - (x - 64) ** 2
    y, x = np.nonzero(square >= 0)
    thickness = 2 * np.sqrt(square[y, x])
    sphere = Cover(owner=np.zeros(len(y), int), y=y, x=x, thickness=thickness, share=np.ones(len(y)))
    image = camera.expected(sphere, np.ones(len(y)), np.zeros(2)) / preset.dose
    assert image[64, 64] == pytest.approx(np.exp(-2 * radius / preset.contrast_length_px), rel=0.05)
    rim = image[64, 64 + radius : 64 + radius + 4].max()
    assert rim > 1.02, "no bright fringe"
    assert image[5, 5] == pytest.approx(1, abs=0.03)


def test_the_film_keeps_its_grain_at_every_fraction_of_a_pixel():
    film = Film(PRESETS["medium"], (256, 320), 3)
    deviations = [film.seen((256, 320), np.array([d, 2 * d])).std() for d in np.linspace(0, 1, 9)]
    assert np.ptp(deviations) < 0.04 * np.mean(deviations)


def test_the_film_moves_with_the_drift_even_round_its_period():
    film = Film(PRESETS["medium"], (256, 320), 3)
    here = film.seen((100, 100), np.array([0.0, 0.0]))
    moved = film.seen((100, 100), np.array([7.0 + 256, -11.0 - 320]))
    np.testing.assert_allclose(moved[7:, :-11], here[:-7, 11:], atol=1e-5)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_recorded_drift_is_what_correlation_measures_without_noise(name):
    movie = simulate(name, frames=13, size=256, seed=2)
    first, *_, last = (frame.expected for frame in movie)
    light = illumination(PRESETS[name], (256, 256), 2)
    measured = whole_pixel_shift(np.log(first / light), np.log(last / light))
    assert np.abs(measured - movie.lineage().drift_px[-1]).max() <= 1.0


def whole_pixel_shift(before, after):
    window = np.hanning(256)[:, None] * np.hanning(256)
    a, b = (np.fft.fft2((image - image.mean()) * window) for image in (before, after))
    product = b * a.conj()
    surface = np.fft.ifft2(product / np.maximum(np.abs(product), 1e-9)).real
    peak = np.array(np.unravel_index(surface.argmax(), surface.shape))
    return (peak + 128) % 256 - 128


def test_scattering_is_one_on_average_and_strong_for_a_few():
    strength = diffraction_contrast(np.random.default_rng(0).standard_normal(100_000))
    assert strength.mean() == pytest.approx(1, abs=0.03)
    assert strength.min() >= 0.6
    assert 0.02 < (strength > 1.4).mean() < 0.1
