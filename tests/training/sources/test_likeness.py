import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.synthetic import simulate
from graticule.training.sources.likeness import alike, print_of
from pictures_on_disk import circles, picture

ONE = picture(circles(), seed=1)
OTHER = picture(circles(), seed=2)


def like(first, second):
    return list(alike([print_of(first)], [print_of(second)])) == [(0, 0)]


COPIES = {
    "itself": ONE,
    "16-bit": ONE.astype(np.uint16) * 200,
    "turned": np.rot90(ONE),
    "flipped": ONE[::-1],
    "turned and flipped": np.rot90(ONE, 3)[:, ::-1],
    "twice as large": np.kron(ONE, np.ones((2, 2), np.uint8)),
    "brighter": np.clip(ONE * 0.7 + 60, 0, 255),
    "noisy": ONE + np.random.default_rng(0).normal(0, 8, ONE.shape),
    "a hot pixel": np.where(np.arange(ONE.size).reshape(ONE.shape) == 70, 60_000, ONE),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_alike(name):
    assert like(ONE, COPIES[name])


def test_another_picture_is_not_alike():
    assert not like(ONE, OTHER)


def test_one_illumination_does_not_make_movies_alike():
    frames = [next(iter(simulate("hard", frames=1, size=256, seed=seed))).image for seed in range(12)]
    prints = [print_of(frame) for frame in frames]
    assert list(alike(prints, prints)) == [(k, k) for k in range(12)]


def test_frames_of_a_noisy_movie_are_alike():
    first, second = (frame.image for frame in simulate("hard", frames=2, size=512, seed=9))
    assert like(first, second)


@pytest.mark.parametrize("pixels", [np.full((20, 30), 4), np.full((20, 30), np.nan)])
def test_a_blank_or_not_finite_picture_is_like_none(pixels):
    assert not like(pixels, pixels)
    assert not like(ONE, pixels)


def test_there_may_be_nothing_to_compare():
    assert list(alike([], [print_of(ONE)])) == []
    assert list(alike([print_of(ONE)], [])) == []


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_prints_of_any_size_are_finite(height, width, seed):
    found = print_of(np.random.default_rng(seed).integers(0, 255, (height, width)))
    assert np.isfinite(found.plain).all()
    assert np.isfinite(found.flat).all()
