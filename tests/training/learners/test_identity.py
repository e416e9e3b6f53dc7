"""Losses of slots on drawn maps."""

from math import log

import pytest
import torch

from graticule.training.learners.identity import maps_of, right, slot_losses
from graticule.training.sequences.known import IGNORED

SURE = 30.0
TARGET = """
..11..22
..11..22
........
33......
"""


def drawn(text: str) -> torch.Tensor:
    rows = [[IGNORED if c == "?" else 0 if c == "." else int(c) for c in row] for row in text.split()]
    return torch.tensor(rows, dtype=torch.uint8)[None]


def sure(text: str) -> torch.Tensor:
    """Logits of a network that is sure of what is drawn."""
    return SURE * maps_of(drawn(text), 10)


def losses(told: torch.Tensor, target: str = TARGET) -> dict[str, float]:
    return {name: value.item() for name, value in slot_losses(told, drawn(target)).items()}


def test_the_truth_costs_nothing():
    assert losses(sure(TARGET)) == pytest.approx({"entropy": 0, "overlap": 0, "whose": 0}, abs=1e-5)


def test_a_network_that_knows_nothing_pays_for_as_many_slots_as_there_are():
    found = losses(torch.zeros(1, 11, 4, 8))
    assert found["entropy"] == pytest.approx(log(11))
    assert found["whose"] == pytest.approx(log(10))


def test_two_swapped_slots_are_wrong_in_every_loss_and_background_only_in_two():
    swapped = losses(sure(TARGET.replace("1", "x").replace("2", "1").replace("x", "2")))
    assert min(swapped.values()) > 0.5
    # all background, but of the slots the right one is likeliest
    blank = sure(TARGET)
    blank[:, 0] = 2 * SURE
    missed = losses(blank)
    assert missed["whose"] == pytest.approx(0, abs=1e-5)
    assert min(missed["entropy"], missed["overlap"]) > 0.5


def test_what_cannot_be_known_counts_nowhere():
    unknown = TARGET.replace("33......", "33..????")
    told = sure(TARGET)
    anything = told.clone()
    anything[:, 7, 3, 4:] = 2 * SURE
    assert losses(anything, unknown) == pytest.approx(losses(told, unknown), abs=1e-5)


def test_nothing_but_the_unknown_costs_nothing_and_gives_a_gradient():
    told = torch.zeros(1, 11, 4, 8, requires_grad=True)
    parts = slot_losses(told, drawn("????????\n" * 4))
    loss = sum(parts.values())
    loss.backward()
    assert loss.item() == 0
    assert told.grad is not None
    assert told.grad.isfinite().all()


def test_rare_objects_weigh_more_than_the_background_around_them():
    target = "1......." + "\n........" * 3
    blank = sure("........\n" * 4)
    blank[:, 1, 0, 0] = SURE - 3  # wrong where the object is, and sure elsewhere
    plain = torch.nn.functional.cross_entropy(blank, drawn(target).long())
    assert losses(blank, target)["entropy"] > 2 * plain.item()


def test_right_is_the_share_of_the_objects_pixels_that_have_their_slot():
    told = sure(TARGET.replace("22", "2.").replace("33", "44"))
    assert right(told, drawn(TARGET)).item() == pytest.approx(6 / 10)
