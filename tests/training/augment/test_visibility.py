import numpy as np
import pytest

from drawn_examples import discs
from graticule.training.augment.visibility import noise_left, noise_of

LABELS = discs((200, 200), (50, 50, 8), (50, 150, 8), (150, 50, 8), (150, 150, 8))
NOISE = np.random.default_rng(0).standard_normal((200, 200), dtype=np.float32)


def picture(contrast, noise=0.0):
    return (0.7 - contrast * (LABELS > 0) + noise * NOISE).astype(np.float32)


def test_noise_is_told_from_particles():
    assert noise_of(picture(0.4, 0.05)) == pytest.approx(0.05, rel=0.1)
    assert noise_of(picture(0.4)) < 0.01


def test_a_particle_bears_a_fifth_of_its_contrast_times_the_root_of_its_area():
    area = (LABELS == 1).sum()
    assert noise_left(picture(0.1), LABELS) == pytest.approx(0.1 * area**0.5 / 5, rel=0.02)


def test_the_noise_there_is_counts():
    both = np.hypot(noise_left(picture(0.1, 0.15), LABELS), 0.15)
    assert both == pytest.approx(noise_left(picture(0.1), LABELS), rel=0.05)


def test_where_particles_are_hardly_seen_no_noise_is_borne():
    assert noise_left(picture(0.02, 0.3), LABELS) == 0


@pytest.mark.parametrize("labels", [np.zeros((200, 200), np.int32), np.ones((200, 200), np.int32)])
def test_where_there_is_nothing_to_be_seen_any_noise_is_borne(labels):
    assert noise_left(picture(0.1), labels) == float("inf")
