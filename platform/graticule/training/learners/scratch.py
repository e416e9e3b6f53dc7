"""How EfficientSAM begins where there are no weights to begin with."""

from math import pi, sqrt

import torch
from torch import nn

from graticule.models.efficient_sam.network import EfficientSamNetwork
from graticule.models.efficient_sam.transformer import TwoWayLayer

REACH_PX = 20.0
"""Distance at which two places are alike by 1 / e: a patch and a bit, or a particle."""
GAIN = 2.0
"""Of queries and keys, so that a place's score stands out of those of other places."""


@torch.no_grad()
def start_from_scratch(network: EfficientSamNetwork, size: int) -> None:
    """Let each prompt begin by looking at the place that it names.

    As published, query and key of an attention are drawn independently, so a token's score
    for a row says nothing of whether they lie at the same place. Then all prompts get the same
    answer, and it takes very long until one differs from another. Here queries and keys begin
    equal, and frequencies fit the image's size: the score is a kernel
    exp(-(d / :data:`REACH_PX`)^2) of the distance d.

    Measured after 150 steps of two simulated images of 256 px (depth 4, 12 prompts): held-out
    IoU of the best mask 0.01 as published; so, 0.55, 0.53, 0.43 and 0.01 with a reach of 29,
    20, 11 and 5 px. Larger frequencies alone do not help: 0.00.

    Args:
        network: Of random weights.
        size: Edge of the images it will learn from, in pixels.
    """
    # A phase is 2 pi f d for d in half images; f of deviation s makes the kernel exp(-2 pi^2 s^2 d^2).
    wanted = size / 2 / REACH_PX / (pi * sqrt(2))
    places = network.prompts.places
    places.frequencies.mul_(wanted / places.frequencies.square().mean().sqrt())
    transformer = network.decoder.transformer
    readers = [transformer.last_read]
    for layer in transformer.layers:
        assert isinstance(layer, TwoWayLayer)
        _align(layer.write.query, layer.write.key)
        readers.append(layer.read)
    for reader in readers:
        _align(reader.query, reader.key)


def _align(query: nn.Linear, key: nn.Linear) -> None:
    query.weight.mul_(GAIN)
    key.weight.copy_(query.weight)
