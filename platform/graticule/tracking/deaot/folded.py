"""A network made ready to answer: normalisation folded into convolutions, channels side by side.

On a CPU its encoder then takes half the time; answers differ by rounding alone.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from graticule.tracking.deaot.network import DeAOT


def folded(network: DeAOT) -> DeAOT:
    """Return ``network`` itself, changed so that it answers faster and can learn no more."""
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            for (name, one), (after, other) in pairwise(list(module.named_children())):
                if isinstance(one, nn.Conv2d) and isinstance(other, nn.BatchNorm2d):
                    setattr(module, name, fuse_conv_bn_eval(one, other))
                    setattr(module, after, nn.Identity())
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
