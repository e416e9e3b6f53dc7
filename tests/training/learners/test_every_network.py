"""What every learner must do, whatever its network."""

import copy
from math import isfinite

import pytest
import torch

from graticule.core.errors import ConfigError, UnknownNameError
from graticule.training.batch import Batch
from graticule.training.learner import Learner, learner
from graticule.training.recipe import Recipe
from threads import one_thread  # noqa: F401
from training.tiny import EDGES, NETWORKS, batch_of, learner_of, recipe_of

CASES = {name: recipe_of(name) for name in NETWORKS} | {
    f"efficient-sam-ti {task}": recipe_of("efficient-sam-ti", task=task) for task in ("prompted", "semantic")
}
IMAGES = {
    "with particles": {},
    "without": {"particles": 0},
    "not parted": {"parted": False},
}


def mixed(size: int) -> Batch:
    """A batch of one image whose touching particles are parted, one where not, and one without any."""
    parts = [batch_of(size, seed, 1, **kind) for seed, kind in enumerate(IMAGES.values())]
    return Batch(*(torch.cat(column) for column in zip(*parts, strict=True)))


def taught(made: Learner, batch: Batch, seed: int = 0) -> tuple[float, dict[str, float]]:
    """Run forward and back; return loss and parts."""
    torch.manual_seed(seed)
    made.train().zero_grad()
    loss, parts = made(batch)
    loss.backward()
    assert not any(part.requires_grad for part in parts.values())
    return loss.item(), {name: part.item() for name, part in parts.items()}


@pytest.mark.parametrize("images", [*IMAGES, "mixed"])
@pytest.mark.parametrize("case", CASES)
def test_every_parameter_that_is_trained_gets_a_finite_gradient(case, images):
    made = learner_of(CASES[case])
    size = CASES[case].size
    loss, _ = taught(made, mixed(size) if images == "mixed" else batch_of(size, 1, **IMAGES[images]))
    assert isfinite(loss)
    grads = {name: p.grad for name, p in made.named_parameters() if p.requires_grad}
    assert [name for name, grad in grads.items() if grad is None] == []
    assert all(torch.isfinite(grad).all() for grad in grads.values())


@pytest.mark.parametrize("case", CASES)
def test_the_same_seed_gives_the_same_loss(case):
    made, batch = learner_of(CASES[case]), batch_of(CASES[case].size, 1)
    assert taught(copy.deepcopy(made), batch) == taught(made, batch)


@pytest.mark.parametrize("case", CASES)
def test_checkpointing_changes_neither_loss_nor_gradients(case):
    recipe = CASES[case]
    plain, frugal = (learner_of(recipe.model_copy(update={"checkpointing": on})) for on in (False, True))
    assert frugal.network.checkpointing
    assert not plain.network.checkpointing
    batch = batch_of(recipe.size, 1)
    assert taught(plain, batch)[0] == pytest.approx(taught(frugal, batch)[0], rel=1e-6)
    for one, other in zip(plain.parameters(), frugal.parameters(), strict=True):
        if one.requires_grad:
            torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize("case", CASES)
def test_bfloat16_gives_nearly_the_same_loss(case):
    made, batch = learner_of(CASES[case]), batch_of(CASES[case].size, 1)
    exact, _ = taught(copy.deepcopy(made), batch)
    with torch.autocast("cpu", torch.bfloat16):
        rough, _ = taught(made, batch)
    assert rough == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_size_that_the_network_cannot_take_is_refused_at_once(name):
    with pytest.raises(ConfigError, match=f"{name} needs a size in multiples of"):
        learner_of(recipe_of(name, size=EDGES[name] + 8))


def test_an_unknown_network_is_told_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="yolov8n-seg"):
        learner(torch.nn.Identity(), Recipe(network="u-net", size=64))


STEPS = {"efficient-sam-ti": 40, "swin-unet": 60, "vmamba": 60, "yolov8n-seg": 60}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_random_weights_learns_four_images(name):
    made, batch = learner_of(recipe_of(name)), batch_of(EDGES[name], 7, 4)
    optimizer = torch.optim.AdamW([p for p in made.parameters() if p.requires_grad], lr=1e-3)
    first, _ = taught(made, batch)
    for step in range(STEPS[name]):
        last, _ = taught(made, batch, seed=step)
        torch.nn.utils.clip_grad_norm_(made.parameters(), 1.0)
        optimizer.step()
    assert last < 0.4 * first if name == "yolov8n-seg" else last < 0.6 * first
    if name != "yolov8n-seg":
        assert overlap(made, batch) > 0.9


def overlap(made: Learner, batch: Batch) -> float:
    """Return the Dice of the foreground."""
    with torch.no_grad():
        found = made.network.foreground(batch.colour).logit[:, 0] > 0
    true = batch.labels > 0
    return float(2 * (found & true).sum() / (found.sum() + true.sum()))
