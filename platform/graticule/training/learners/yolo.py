"""YOLOv8n-seg: boxes, classes and masks of instances."""

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn

from graticule.models.yolo.loss import loss_of, targets_of
from graticule.models.yolo.network import STRIDES, YoloSeg
from graticule.training.batch import Batch
from graticule.training.learner import Learner
from graticule.training.learners.losses import check_size
from graticule.training.recipe import Recipe

ABSENT = "sem_loss"
"""A part that newer networks of its makers have, and this one does not."""


class YoloLearner(Learner):
    """The network with its loss.

    It knows nothing but instances, so where touching particles have no labels of their own
    (``parted`` false) each connected body counts as one.
    """

    def __init__(self, network: YoloSeg, recipe: Recipe) -> None:
        super().__init__()
        self.network, self.config = network, network.config
        network.checkpointing = recipe.checkpointing

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
        """Return the mean loss per image, and its parts by name, detached."""
        assert isinstance(self.network, YoloSeg)
        loss, parts = loss_of(self.network, batch.colour, targets_of(batch.labels))
        return loss, {name.removesuffix("_loss"): part for name, part in parts.items() if name != ABSENT}


def learner(network: nn.Module, recipe: Recipe) -> Learner:
    """Return YOLOv8n-seg with the loss of its makers.

    Raises:
        ConfigError: If the recipe's size is no multiple of 32.
    """
    assert isinstance(network, YoloSeg)
    check_size(recipe.network, recipe.size, STRIDES[-1])
    return YoloLearner(network, recipe)
