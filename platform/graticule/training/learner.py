"""A network with its loss, as one module that DistributedDataParallel can wrap."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from graticule.core.registry import look_up
from graticule.models.architecture import NetworkConfig
from graticule.training.recipe import Recipe

LEARNERS = {
    "deaot-t": "graticule.training.learners.deaot:learner",
    "efficient-sam-ti": "graticule.training.learners.efficient_sam:learner",
    "swin-unet": "graticule.training.learners.semantic:swin_unet",
    "vmamba": "graticule.training.learners.semantic:vmamba",
    "yolov8n-seg": "graticule.training.learners.yolo:learner",
}
"""Name of a network -> ``function(network, recipe) -> Learner``."""


class Learner(nn.Module, ABC):
    """A network and what it is to learn.

    Every parameter that requires a gradient gets one in each call. Deterministic on a CPU but
    for torch's generator, which the loop seeds before each call.
    """

    network: nn.Module
    config: NetworkConfig

    @abstractmethod
    def forward(self, batch: Any) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
        """Return the mean loss per image, or frame, of a batch; and its parts by name, detached."""


def learner(network: nn.Module, recipe: Recipe) -> Learner:
    """Return a network with the loss that ``recipe`` asks for.

    Raises:
        UnknownNameError: If there is no network of the recipe's name.
        ConfigError: If this network cannot be trained in this way.
    """
    made: Learner = look_up("network", LEARNERS, recipe.network)(network, recipe)
    return made
