"""Swin-UNet and VMamba: foreground, and how deep inside its particle a pixel lies."""

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from graticule.models.learned.output import SemanticOutput
from graticule.models.swin_unet.network import SwinUnetNetwork
from graticule.models.vm_unet.network import MULTIPLE, VmUnet
from graticule.training.batch import Batch
from graticule.training.learner import Learner
from graticule.training.learners.losses import centre_distance, check_size, cross_entropy, dice
from graticule.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class SemanticLoss:
    """A weighed sum of cross-entropy, Dice and error of the centre distance.

    Of two classes the cross-entropy is the binary one of the difference of their logits.
    The distance counts where touching particles have labels of their own.
    """

    entropy: float
    dice: float
    distance: float

    def __call__(self, told: SemanticOutput, batch: Batch) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
        """Return the mean loss per image, and its parts by name, not weighed and detached."""
        target = (batch.labels > 0).float()
        parts = {
            "entropy": cross_entropy(told.logit[:, 0], target).mean(),
            "dice": dice(told.logit[:, 0], target).mean(),
        }
        loss = self.entropy * parts["entropy"] + self.dice * parts["dice"]
        if told.distance is not None:
            wrong = centre_distance(told.distance, batch.distance, batch.labels)
            parts["distance"] = (wrong * batch.parted).mean()
            loss = loss + self.distance * parts["distance"]
        return loss, {name: part.detach() for name, part in parts.items()}


class SemanticLearner(Learner):
    """A network that answers ``foreground``, with its loss."""

    def __init__(self, network: SwinUnetNetwork | VmUnet, recipe: Recipe, loss: SemanticLoss) -> None:
        super().__init__()
        self.network, self.config = network, network.config
        network.checkpointing = recipe.checkpointing
        self.loss = loss

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
        """Return the mean loss per image, and its parts by name, detached."""
        assert isinstance(self.network, SwinUnetNetwork | VmUnet)
        return self.loss(self.network.foreground(batch.colour), batch)


def swin_unet(network: nn.Module, recipe: Recipe) -> Learner:
    """Return a Swin-UNet with 0.4 cross-entropy + 0.6 Dice, as published.

    Source: H. Cao et al. 2021, Swin-Unet, arXiv 2105.05537.

    Raises:
        ConfigError: If the recipe's size does not fit its windows.
    """
    assert isinstance(network, SwinUnetNetwork)
    check_size(recipe.network, recipe.size, network.config.multiple)
    return SemanticLearner(
        network, recipe, SemanticLoss(entropy=0.4, dice=0.6, distance=recipe.distance_weight)
    )


def vmamba(network: nn.Module, recipe: Recipe) -> Learner:
    """Return a VM-UNet with cross-entropy + Dice, as published.

    Source: M. Zhang et al. 2024, VM-UNetV2, arXiv 2403.09157.

    Raises:
        ConfigError: If the recipe's size is no multiple of 32.
    """
    assert isinstance(network, VmUnet)
    check_size(recipe.network, recipe.size, MULTIPLE)
    return SemanticLearner(
        network, recipe, SemanticLoss(entropy=1.0, dice=1.0, distance=recipe.distance_weight)
    )
