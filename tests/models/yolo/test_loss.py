"""What the masks are taught: where a particle is, and where it ends on all sides alike."""

import numpy as np
import pytest
import torch

from graticule.models.yolo.loss import mask_loss, targets_of
from graticule.models.yolo.network import PROTOTYPE_PX


def disc(size: int, y: float, x: float, radius: float) -> torch.Tensor:
    rows, columns = np.indices((size, size)) + 0.5
    return torch.from_numpy((np.hypot(rows - y, columns - x) < radius).astype(np.int64))


def test_small_masks_are_on_the_whole_neither_shifted_nor_grown():
    rng = np.random.default_rng(0)
    labels = torch.stack([disc(64, *rng.uniform(24, 40, 2), rng.uniform(8, 20)) for _ in range(200)])
    masks = targets_of(labels).masks
    shifts = [
        (torch.nonzero(small).double() + 0.5).mean(dim=0) * PROTOTYPE_PX
        - (torch.nonzero(label).double() + 0.5).mean(dim=0)
        for small, label in zip(masks, labels, strict=True)
    ]
    assert torch.stack(shifts).mean(dim=0).abs().max() < 0.1
    assert masks.bool().sum() * PROTOTYPE_PX**2 == pytest.approx(int(labels.sum()), rel=0.02)


@pytest.mark.parametrize("turned", [0, 1, 2, 3])
def test_a_mask_that_reaches_too_far_costs_the_same_on_all_sides(turned):
    truth, wrong = torch.zeros(2, 16, 16)
    truth[5:11, 5:11] = 1
    wrong[4:11, 5:11] = 1

    def cost(mask):
        prototypes = torch.rot90(10.0 * (2 * mask - 1), turned)[None]
        boxes = torch.tensor([[5.0, 5.0, 11.0, 11.0]])
        return mask_loss(
            torch.rot90(truth, turned)[None], torch.ones(1, 1), prototypes, boxes, torch.ones(1)
        ).item()

    assert cost(wrong) == pytest.approx(6 * 10 / 64, rel=1e-3)
    assert cost(truth) < 1e-3
