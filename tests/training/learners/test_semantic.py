"""What Swin-UNet and VMamba learn, beside what all learners have in common."""

import pytest
import torch

from graticule.training.batch import Batch
from graticule.training.learners.losses import dice
from training.tiny import batch_of, learner_of, recipe_of


@pytest.mark.parametrize(("name", "weights"), [("swin-unet", (0.4, 0.6)), ("vmamba", (1.0, 1.0))])
def test_the_loss_is_the_published_sum_and_the_distance(name, weights):
    made, batch = learner_of(recipe_of(name, distance_weight=0.5)).eval(), batch_of(224, 1)
    loss, parts = made(batch)
    whole = weights[0] * parts["entropy"] + weights[1] * parts["dice"] + 0.5 * parts["distance"]
    torch.testing.assert_close(loss.detach(), whole)


def test_two_classes_have_the_cross_entropy_of_their_logits():
    made, batch = learner_of(recipe_of("swin-unet")).eval(), batch_of(224, 1)
    _, parts = made(batch)
    logits = made.network(batch.colour)[:, :2]
    expected = torch.nn.functional.cross_entropy(logits, (batch.labels > 0).long())
    torch.testing.assert_close(parts["entropy"], expected.detach())
    torch.testing.assert_close(
        parts["dice"], dice(logits[:, 1] - logits[:, 0], (batch.labels > 0).float()).mean().detach()
    )


def test_the_distance_counts_only_where_touching_particles_are_parted():
    made = learner_of(recipe_of("vmamba")).eval()
    parted, whole = batch_of(64, 1, 1), batch_of(64, 2, 1, parted=False)
    both = Batch(*(torch.cat(column) for column in zip(parted, whole, strict=True)))
    alone, together = made(parted)[1]["distance"], made(both)[1]["distance"]
    torch.testing.assert_close(together, alone / 2)
    assert made(whole)[1]["distance"] == 0


def test_a_network_without_a_distance_learns_the_foreground_alone():
    config = {**recipe_of("vmamba").config, "distance": False}
    _, parts = learner_of(recipe_of("vmamba", config=config))(batch_of(64, 1))
    assert set(parts) == {"entropy", "dice"}
