"""EfficientSAM learns to answer prompts, to tell the foreground, or both."""

import pytest
import torch

from graticule.models.efficient_sam.network import Candidates
from graticule.training.batch import Batch, Crop
from graticule.training.learners.efficient_sam import prompted_loss
from graticule.training.learners.prompts import Asked
from threads import one_thread  # noqa: F401
from training.tiny import batch_of, learner_of, recipe_of

SURE = 30.0


def test_both_tasks_together_have_the_losses_of_each():
    batch = batch_of(128, 1)
    told = {}
    for task in ("semantic", "prompted", "joint"):
        torch.manual_seed(0)
        told[task] = learner_of(recipe_of("efficient-sam-ti", task=task)).eval()
    losses = {}
    for task, made in told.items():
        torch.manual_seed(3)
        losses[task], parts = made(batch)
    torch.testing.assert_close(losses["joint"], losses["semantic"] + losses["prompted"])
    assert set(parts) == {"entropy", "dice", "distance", "mask", "iou"}


UNUSED = {
    "semantic": {"weighers.1", "weighers.2", "weighers.3", "iou"},
    "prompted": {"weighers.0", "distance_weigher"},
    "joint": set(),
}


@pytest.mark.parametrize(("task", "frozen"), UNUSED.items())
def test_what_a_task_does_not_use_is_not_trained(task, frozen):
    decoder = learner_of(recipe_of("efficient-sam-ti", task=task)).network.decoder
    fixed = {name for name, p in decoder.named_parameters() if not p.requires_grad}
    heads = {name for name in fixed if not name.endswith("key.bias")}
    assert {name.rsplit(".", 2)[0] for name in heads} == frozen


def asked_one(size: int = 32) -> tuple[Asked, Batch]:
    """One prompt for the right one of two squares, and one that means nothing."""
    labels = torch.zeros(size, size, dtype=torch.int32)
    labels[8:16, 4:12], labels[8:16, 16:28] = 1, 2
    blank = torch.zeros(size, size).numpy()
    batch = Batch.of([Crop(image=blank, labels=labels.numpy(), distance=blank, parted=True)])
    points = torch.tensor([[[[20.0, 12.0], [-1, -1], [-1, -1]]] * 2])
    return Asked(points, torch.tensor([[[1, -1, -1]] * 2]), torch.tensor([[2, 0]])), batch


def answer(batch: Batch, *particles: int, iou: float) -> Candidates:
    """Masks of these particles, 0 being none, with the same predicted IoU."""
    masks = [(batch.labels[0, ::4, ::4] == p) & (p > 0) for p in particles]
    logits = torch.where(torch.stack(masks), SURE, -SURE)
    return Candidates(logits.expand(1, 2, 3, 8, 8), torch.full((1, 2, 3), iou))


def test_one_right_mask_of_three_is_enough():
    asked, batch = asked_one()
    right = prompted_loss(answer(batch, 0, 2, 1, iou=1.0), asked, batch)[1]
    wrong = prompted_loss(answer(batch, 0, 1, 1, iou=1.0), asked, batch)[1]
    assert right["mask"].item() == pytest.approx(0, abs=1e-5)
    assert wrong["mask"] > 1
    # of the counting prompt's masks one is right; the other prompt weighs nothing
    assert right["iou"].item() == pytest.approx(2 / 3 / 2)
    assert wrong["iou"].item() == pytest.approx(1 / 2)


def test_a_prompt_that_means_nothing_changes_nothing():
    asked, batch = asked_one()
    told = answer(batch, 0, 2, 1, iou=0.5)
    logits = told.logits.clone()
    logits[:, 1] = torch.randn(3, 8, 8)
    loss, _ = prompted_loss(told, asked, batch)
    torch.testing.assert_close(prompted_loss(told._replace(logits=logits), asked, batch)[0], loss)


def place_of_largest_share(made, y: float, x: float) -> tuple[float, float]:
    """Return where in a blank image a point's token looks to most, in the first layer."""
    network = made.network
    grid = 8
    embedding = torch.zeros(1, 256, grid, grid)
    scene = network._scene(embedding)
    points = torch.tensor([[[[x, y]]]])
    prompts = network._prompts(points, torch.tensor([[[1]]]), (grid, grid), None)
    reader = network.decoder.transformer.layers[0].read
    scores = reader.queries(prompts.tokens[:, :, :1]) @ scene.read[0].scored[:, None].transpose(-1, -2)
    row, column = divmod(int(scores.sum(2).flatten().argmax()), grid)
    return 16 * row + 7.5, 16 * column + 7.5


@pytest.mark.parametrize(("y", "x"), [(7.5, 7.5), (60.0, 100.0), (119.5, 7.5)])
def test_from_scratch_a_prompt_looks_at_the_place_that_it_names(y, x):
    with torch.no_grad():
        found = place_of_largest_share(learner_of(recipe_of("efficient-sam-ti")), y, x)
    assert abs(found[0] - y) <= 8.5
    assert abs(found[1] - x) <= 8.5


def test_other_weights_to_start_from_stay_as_they_are():
    made = learner_of(recipe_of("efficient-sam-ti", start="builtin"))
    fresh = learner_of(recipe_of("efficient-sam-ti"))
    reads = [m.network.decoder.transformer.last_read for m in (made, fresh)]
    assert not torch.equal(reads[0].query.weight, reads[0].key.weight)
    assert torch.equal(reads[1].query.weight, reads[1].key.weight)


def test_a_trained_network_answers_both_ways():
    network = learner_of(recipe_of("efficient-sam-ti")).network.eval()
    images = batch_of(128, 1).colour
    embedding = network.embed(images)
    torch.testing.assert_close(network.foreground_of(embedding).logit, network.foreground(images).logit)
    points, labels = torch.full((2, 1, 1, 2), 64.0), torch.ones(2, 1, 1, dtype=torch.int64)
    assert network.decode(embedding, points, labels).logits.shape == (2, 1, 3, 32, 32)
