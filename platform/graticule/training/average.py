"""An exponential moving average of a network's weights, which generalises better than the last ones.

Source: B. T. Polyak and A. B. Juditsky 1992, SIAM J. Control Optim. 30, 838; with a decay
that grows over the first steps, as in TensorFlow's ``ExponentialMovingAverage``.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn


class MovingAverage:
    """The average of a network over its steps.

    Args:
        network: Averaged from here on.
        decay: Of the average, at each step; smaller in the first ones.
    """

    def __init__(self, network: nn.Module, *, decay: float) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self.decay, self.steps = decay, 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the weights after a step; buffers are taken as they are."""
        self.steps += 1
        share = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        ours: list[Tensor] = list(self.network.parameters())
        theirs = [p.detach() for p in network.parameters()]
        torch._foreach_lerp_(ours, theirs, share)
        for mine, now in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(now)
