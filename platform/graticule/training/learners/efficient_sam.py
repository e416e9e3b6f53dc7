"""EfficientSAM: one mask for each of many prompts, one foreground mask, or both of one embedding.

Source of the prompted loss: Kirillov et al. 2023, https://arxiv.org/abs/2304.02643, appendix A.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from graticule.models.efficient_sam.encoder import PATCH
from graticule.models.efficient_sam.network import Candidates, EfficientSamNetwork
from graticule.training.batch import Batch
from graticule.training.learner import Learner
from graticule.training.learners.losses import check_size, dice, focal
from graticule.training.learners.prompts import Asked, drawn
from graticule.training.learners.scratch import start_from_scratch
from graticule.training.learners.semantic import SemanticLoss
from graticule.training.recipe import Recipe

FOCAL, DICE, IOU = 20.0, 1.0, 1.0
COARSE = 4
"""Pixels of an image to a pixel of its candidates."""


class EfficientSamLearner(Learner):
    """The network with the losses of one task or of both; all that a task uses is trained."""

    def __init__(self, network: EfficientSamNetwork, recipe: Recipe) -> None:
        super().__init__()
        self.network, self.config = network, network.config
        network.checkpointing = recipe.checkpointing
        self.prompts = recipe.prompts if recipe.task != "semantic" else 0
        semantic = recipe.task != "prompted"
        self.loss = SemanticLoss(entropy=1.0, dice=1.0, distance=recipe.distance_weight) if semantic else None
        network.train_modes(semantic=semantic, prompted=self.prompts > 0)

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
        """Return the mean loss per image, and its parts by name, detached."""
        network = self.network
        assert isinstance(network, EfficientSamNetwork)
        embedding = network.embed(batch.colour)
        losses, parts = [], dict[str, Tensor]()
        if self.loss is not None:
            loss, parts = self.loss(network.foreground_of(embedding), batch)  # type: ignore[assignment]
            losses.append(loss)
        if self.prompts:
            asked = drawn(batch, self.prompts)
            told = network.decode(embedding, asked.points, asked.labels, chunk=self.prompts)
            loss, prompted = prompted_loss(told, asked, batch)
            losses.append(loss)
            parts = {**parts, **prompted}
        return torch.stack(losses).sum(), parts


def prompted_loss(
    told: Candidates, asked: Asked, batch: Batch
) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
    """Return the mean loss of the prompts of an image, and its parts by name, detached.

    Of a prompt's three masks only the one that is least wrong learns, so that they come to
    differ; all three learn to tell how good they are.
    """
    target = _targets(asked, batch)[:, :, None].expand_as(told.logits)
    wrong = FOCAL * focal(told.logits, target) + DICE * dice(told.logits, target)
    counts = asked.counts.float()
    parts = {
        "mask": (wrong.min(2).values * counts).mean(),
        "iou": ((told.iou.float() - _iou(told.logits, target)).square().mean(2) * counts).mean(),
    }
    return parts["mask"] + IOU * parts["iou"], {name: part.detach() for name, part in parts.items()}


def _targets(asked: Asked, batch: Batch) -> Float[Tensor, "b q y x"]:
    """Return how much of each coarse pixel is the particle asked for."""
    rows = [
        functional.avg_pool2d((labels == particle[:, None, None]).float()[:, None], COARSE)[:, 0]
        for labels, particle in zip(batch.labels, asked.particle, strict=True)
    ]
    return torch.stack(rows) * asked.counts[:, :, None, None]


@torch.no_grad()
def _iou(logits: Float[Tensor, "b q 3 y x"], target: Float[Tensor, "b q 3 y x"]) -> Float[Tensor, "b q 3"]:
    """Return the intersection over union of the masks as they would be drawn; of nothing it is 0."""
    found, true = logits > 0, target > 0.5
    both = (found & true).sum((-2, -1))
    return both / (found | true).sum((-2, -1)).clamp(min=1)


def learner(network: nn.Module, recipe: Recipe) -> Learner:
    """Return EfficientSAM with what the recipe's ``task`` asks of it; ``auto`` is both.

    A network of random weights gets those of :func:`start_from_scratch`.

    Raises:
        ConfigError: If the recipe's size is no multiple of 16.
    """
    assert isinstance(network, EfficientSamNetwork)
    check_size(recipe.network, recipe.size, PATCH)
    if recipe.start == "random":
        start_from_scratch(network, recipe.size)
    return EfficientSamLearner(network, recipe)
