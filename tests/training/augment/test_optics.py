import numpy as np
import pytest
import torch
from scipy import ndimage

from graticule.training.augment.optics import Optics, blurred, draw_optics
from graticule.training.recipe import Augmentation

PLAIN = {"gamma": 1.0, "absorbed": 0.3, "fringe_px": 0.0, "fringe": 0.0, "blur_px": 0.0}
STEP = torch.zeros(1, 1, 64, 64)
STEP[..., 32:] = 1


def optics(**changed):
    flat = {"gradient": 0.0, "angle": 0.0, "bowl": 0.0, "grain_px": 2.0, "grain": 0.0}
    return Optics(**(PLAIN | flat | changed))


def seen(microscope, image):
    return microscope.seen(image, torch.Generator().manual_seed(0))


def test_the_darkest_grey_lets_through_what_is_not_absorbed():
    step = seen(optics(), STEP)
    assert float(step.min()) == pytest.approx(0.7)
    assert float(step.max()) == pytest.approx(1.0)


@pytest.mark.parametrize("bowl", [-1.5, 0.0, 1.5])
def test_illumination_differs_by_its_gradient(bowl):
    white = torch.ones(1, 1, 50, 50)
    light = seen(optics(gradient=0.4, angle=1.0, bowl=bowl), white)
    assert float(light.max()) == pytest.approx(1.2)
    assert float(light.min()) == pytest.approx(0.8)


@pytest.mark.parametrize(("fringe", "rises"), [(0.8, True), (-0.8, False)])
def test_a_fringe_is_bright_or_dark_beside_the_edge_and_nowhere_else(fringe, rises):
    row = seen(optics(fringe_px=1.3, fringe=fringe), STEP)[0, 0, 30]
    beside = float(row[33:36].max() if rises else row[33:36].min())
    assert (beside > 1.005) if rises else (beside < 0.995)
    assert float(row[50]) == pytest.approx(1.0, abs=1e-4)
    assert float(row[10]) == pytest.approx(0.7, abs=1e-4)


def test_the_grain_of_a_film_has_its_strength_and_its_width():
    white = torch.ones(1, 1, 200, 200)
    fine, coarse = (seen(optics(grain=0.05, grain_px=width), white)[0, 0] for width in (1.0, 3.0))
    for film in (fine, coarse):
        assert float(film.mean()) == pytest.approx(1.0, abs=2e-3)
        assert float(film.std()) == pytest.approx(0.05, rel=1e-3)
    assert alike(fine, 2) < 0.5 < alike(coarse, 2)


def alike(film, shift):
    """Correlation of pixels so far from each other."""
    return float(np.corrcoef(film[:, shift:].ravel(), film[:, :-shift].ravel())[0, 1])


def test_a_film_hides_a_particle_no_more_than_the_noise_that_it_may_bear():
    bound = optics(grain=0.1, grain_px=3.0).with_grain_below(0.2)
    assert bound.grain == pytest.approx(0.2 / (2 * np.pi**0.5 * 3))
    assert optics(grain=0.1, grain_px=3.0).with_grain_below(np.inf).grain == 0.1


def test_a_blur_is_a_gaussian_of_its_width():
    point = torch.zeros(1, 1, 41, 41)
    point[0, 0, 20, 20] = 1
    reference = ndimage.gaussian_filter(point[0, 0].numpy(), 1.5, truncate=3.3)
    assert np.allclose(blurred(point, 1.5)[0, 0], reference, atol=2e-4)


def test_a_blur_too_narrow_to_be_seen_is_none():
    assert torch.equal(blurred(STEP, 0.05), STEP)


def test_what_is_drawn_stays_within_what_the_recipe_allows():
    augmentation = Augmentation(contrast=(0.5, 0.6), gamma=(1.1, 1.2), gradient=0.2, blur=0.7)
    rng = np.random.default_rng(0)
    for _ in range(50):
        drawn = draw_optics(augmentation, rng, blurred=True)
        assert 0.15 <= drawn.absorbed <= 0.18
        assert 1.1 <= drawn.gamma <= 1.2
        assert drawn.gradient <= 0.2
        assert drawn.blur_px <= 0.7
