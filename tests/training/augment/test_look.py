from dataclasses import replace

import numpy as np
import pytest

from drawn_examples import scattered
from graticule.training.augment.geometry import Placement
from graticule.training.augment.look import draw_look
from graticule.training.augment.overview import PATCH_PX, PATCHES, overview
from graticule.training.recipe import Augmentation

AS_IT_IS = Augmentation(
    contrast=(1, 1), gamma=(1, 1), gradient=0, fringe=0, grain=0, noise=0, blurred=0, margin=0, broken=0
)
EXAMPLE = scattered(0, (200, 240), count=40)
FRAME = overview(EXAMPLE.image, Placement(centre=(0.0, 0.0)))


def look(seed=0, most_noise=1.0, **changed):
    augmentation = AS_IT_IS.model_copy(update=changed)
    return draw_look(augmentation, most_noise, np.random.default_rng(seed))


def test_a_picture_without_any_change_spans_the_frames_range_and_keeps_its_order():
    low, high = np.quantile(FRAME, [0.005, 0.995])
    expected = np.clip((EXAMPLE.image - low) / (high - low), 0, 1)[:200, :200]
    assert np.allclose(look().taken(EXAMPLE.image[:200, :200], FRAME), expected, atol=0.02)


def test_black_and_white_change_places():
    crop = EXAMPLE.image[:100, :100]
    black = look().taken(crop, FRAME)
    assert np.allclose(look(polarity=1.0).taken(crop, FRAME), 1 - black, atol=1e-6)


@pytest.mark.parametrize("margins", [(0.1, 0.2), (-0.05, 0.0)])
def test_margins_are_what_the_frame_leaves_free_or_exceeds(margins):
    plain, crop = look(), np.linspace(0, 1, 100 * 100, dtype=np.float32).reshape(100, 100)
    picture = replace(plain, margins=margins).taken(crop, crop)
    low, high = np.quantile(picture, [0.005, 0.995])
    assert low == pytest.approx(max(margins[0], 0), abs=0.01)
    assert high == pytest.approx(1 - margins[1], abs=0.01)


def test_broken_pixels_are_few_and_black_or_white():
    grey = np.full((200, 200), 0.5, np.float32)
    picture = replace(look(), broken=2e-4).taken(grey, FRAME)
    aside = picture[picture != np.median(picture)]
    assert 0 < aside.size < 30
    assert set(aside.tolist()) <= {0.0, 1.0}


def test_a_blank_frame_stays_as_it_is():
    blank = np.full((48, 48), 0.5, np.float32)
    assert np.array_equal(look().taken(blank, blank), blank)


def test_noise_is_no_more_than_is_borne():
    noisy = {"noise": 1.0, "dose": (20.0, 20.0)}
    assert look(most_noise=1.0, **noisy).camera.dose == pytest.approx(20)
    assert look(most_noise=0.1, **noisy).camera.dose == pytest.approx(1 / (0.1 * 0.3) ** 2)


def test_grain_is_no_more_than_is_borne():
    assert look(most_noise=1e-3, grain=1.0).optics.grain < 1e-3
    assert look(most_noise=np.inf, grain=1.0).optics.grain > 1e-2


def test_an_overview_shows_the_whole_image():
    y, x = np.indices((300, 500), np.float32)
    seen = overview(y, Placement(centre=(0.0, 0.0)))
    assert seen.shape == (PATCHES * PATCH_PX, PATCHES * PATCH_PX)
    assert seen.min() < 25
    assert seen.max() > 275
    assert overview(x, Placement(centre=(0.0, 0.0))).max() > 440
