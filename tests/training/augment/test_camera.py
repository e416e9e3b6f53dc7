import numpy as np
import pytest
import torch

from graticule.training.augment.camera import NEARLY_NORMAL, Camera, draw_camera
from graticule.training.recipe import Augmentation

WHITE = torch.ones(1, 1, 200, 200)


def taken(image, **camera):
    return Camera(**({"readout": 0.0, "spread_px": 0.0} | camera)).taken(
        image, torch.Generator().manual_seed(0)
    )


@pytest.mark.parametrize("dose", [20.0, NEARLY_NORMAL - 1, NEARLY_NORMAL + 1, 1000.0])
@pytest.mark.parametrize("transmission", [0.5, 1.0])
def test_noise_is_that_of_the_electrons_that_arrive(dose, transmission):
    picture = taken(transmission * WHITE, dose=dose)
    assert float(picture.mean()) == pytest.approx(transmission, rel=0.01)
    assert float(picture.std()) == pytest.approx((transmission / dose) ** 0.5, rel=0.03)


def test_read_out_noise_comes_on_top():
    assert float(taken(WHITE, dose=100.0, readout=10.0).std()) == pytest.approx(0.02**0.5, rel=0.03)


def test_a_signal_that_spreads_makes_noise_grainy():
    picture = taken(WHITE, dose=50.0, spread_px=1.0)[0, 0]
    beside = float(np.corrcoef(picture[:, 1:].ravel(), picture[:, :-1].ravel())[0, 1])
    assert beside > 0.5


def test_without_a_dose_the_picture_is_the_transmission():
    assert torch.equal(taken(WHITE, dose=0.0), WHITE)


def test_the_dose_rises_until_the_noise_is_borne():
    camera = Camera(dose=25.0, readout=1.0, spread_px=0.0)
    assert camera.with_noise_below(0.05).dose == pytest.approx(400)
    assert camera.with_noise_below(0.5).dose == 25
    assert camera.with_noise_below(float("inf")).dose == 25
    assert camera.with_noise_below(0.0).dose == 0


def test_doses_are_drawn_from_their_range_as_often_as_asked():
    rng = np.random.default_rng(0)
    drawn = [draw_camera(Augmentation(dose=(30, 300), noise=0.5), rng, blurred=False) for _ in range(300)]
    doses = np.array([camera.dose for camera in drawn])
    assert 0.4 < (doses > 0).mean() < 0.6
    assert doses[doses > 0].min() >= 30
    assert doses.max() <= 300
    assert np.median(doses[doses > 0]) == pytest.approx(95, rel=0.25)
