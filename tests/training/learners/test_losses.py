"""Losses of masks and distances, by drawn cases."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.core.errors import ConfigError
from graticule.training.learners.losses import (
    BACKGROUND_WEIGHT,
    SEAM_WEIGHT,
    centre_distance,
    check_size,
    cross_entropy,
    dice,
    focal,
    seams,
)

SURE = 30.0


def mask(text: str) -> torch.Tensor:
    """Draw labels: digits are particles, a point is background."""
    return torch.tensor([[int(c) if c != "." else 0 for c in row] for row in text.split()])[None]


HALF = mask("11.. 11..")


def logit_of(labels: torch.Tensor) -> torch.Tensor:
    return torch.where(labels > 0, SURE, -SURE)


@pytest.mark.parametrize("loss", [cross_entropy, dice, focal])
@pytest.mark.parametrize("labels", [HALF, mask(".... ...."), mask("1111 1111")])
def test_of_a_sure_and_right_answer_there_is_no_loss(loss, labels):
    assert loss(logit_of(labels), (labels > 0).float()).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("loss", "wrong"), [(cross_entropy, SURE), (dice, 1 - 1 / 9), (focal, SURE)])
def test_of_a_sure_and_wrong_answer_the_loss_is_large(loss, wrong):
    assert loss(-logit_of(HALF), (HALF > 0).float()).item() == pytest.approx(wrong, rel=1e-5)


def test_dice_of_an_empty_image_falls_with_what_is_found_in_it():
    none = torch.zeros(1, 2, 4)
    values = [dice(torch.full((1, 2, 4), level), none).item() for level in (3.0, 0.0, -3.0, -30.0)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(0, abs=1e-6)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0, 1)), min_size=1, max_size=16))
def test_losses_and_gradients_are_finite(pixels):
    logit = torch.tensor([[[level for level, _ in pixels]]], requires_grad=True)
    target = torch.tensor([[[share for _, share in pixels]]])
    total = sum(loss(logit, target).sum() for loss in (cross_entropy, dice, focal))
    total.backward()
    assert torch.isfinite(total)
    assert total >= 0
    assert torch.isfinite(logit.grad).all()


def test_each_image_has_a_value_of_its_own():
    logit, target = torch.randn(3, 2, 5, 6), torch.rand(3, 2, 5, 6)
    for loss in (cross_entropy, dice, focal):
        assert loss(logit, target).shape == (3, 2)
        torch.testing.assert_close(loss(logit, target)[1, 0], loss(logit[1:2, 0], target[1:2, 0])[0])


def test_focal_forgets_what_is_nearly_right():
    easy, hard = (torch.full((1, 1, 1), level) for level in (3.0, 0.0))
    yes = torch.ones(1, 1, 1)
    assert focal(easy, yes) / cross_entropy(easy, yes) == pytest.approx(0.047426**2, rel=1e-3)
    assert focal(hard, yes) / cross_entropy(hard, yes) == pytest.approx(0.25)


TOUCH = mask("111222 111222 111222")


def test_seams_are_where_two_particles_meet():
    assert seams(TOUCH)[0].int().tolist() == [[0, 1, 1, 1, 1, 0]] * 3
    assert not seams(mask("111111 111111")).any()
    assert not seams(mask("11...... 11....22")).any()


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_seams_are_found_as_by_looking_at_every_neighbour(seed):
    labels = np.random.default_rng(seed).integers(0, 3, (6, 7)) * (np.arange(7) != 3)
    found = seams(torch.from_numpy(labels)[None])[0].numpy()
    for y, x in np.ndindex(labels.shape):
        near = labels[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]
        assert found[y, x] == (len(set(near[near > 0])) > 1)


def test_an_error_at_a_seam_weighs_more_than_one_elsewhere_and_on_background_little():
    labels = mask("111222.... 111222.... 111222....")
    target = torch.zeros(1, 1, 3, 10)

    def wrong_at(x: int) -> float:
        told = target.clone()
        told[0, 0, 1, x] = 1.0
        return centre_distance(told, target, labels).item()

    assert wrong_at(2) / wrong_at(0) == pytest.approx(SEAM_WEIGHT)
    assert wrong_at(9) / wrong_at(0) == pytest.approx(BACKGROUND_WEIGHT)
    ones = torch.ones_like(target)
    assert centre_distance(ones, target, labels).item() == pytest.approx(1.0)


def test_a_size_that_does_not_fit_is_told_with_one_that_does():
    check_size("swin-unet", 448, 224)
    with pytest.raises(ConfigError, match="swin-unet needs a size in multiples of 224 px, got 500; give 448"):
        check_size("swin-unet", 500, 224)
