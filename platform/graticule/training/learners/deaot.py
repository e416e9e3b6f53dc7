"""DeAOT, trained frame after frame as it tracks: what it remembers is an imperfect segmentation.

B clips, T frames, S slots and the background.
"""

from collections import defaultdict
from collections.abc import Mapping

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import interpolate

from graticule.core.errors import ConfigError
from graticule.tracking.deaot.config import REACH, STRIDE, DeAOTConfig
from graticule.tracking.deaot.network import DeAOT, Features, Memory, Seen, joined, normalised
from graticule.tracking.deaot.propagation import Layer, Output
from graticule.training.learner import Learner
from graticule.training.learners.depthwise import QuickDepthwise
from graticule.training.learners.identity import maps_of, right, slot_losses
from graticule.training.recipe import Recipe
from graticule.training.sequences.clip import ClipBatch

OWN = 0.3
"""Chance of a frame being remembered as the network itself told it."""
LASTING = 0.3
"""Chance of a frame being added to the long-term memory."""
NEAR_TOKENS = 1.5
"""Standard deviation of where a network without training looks in the frame before."""
_SHARPER = 0.25
"""Of the random weights of a depthwise convolution, beside its middle."""


class DeAOTLearner(Learner):
    """A DeAOT that learns to tell each frame of a clip from those before it."""

    network: DeAOT
    config: DeAOTConfig

    def __init__(self, network: DeAOT) -> None:
        super().__init__()
        self.network, self.config = network.to(memory_format=torch.channels_last), network.config

    def forward(self, batch: ClipBatch) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
        """Return the mean loss per frame that is to be told, and its parts by name, detached."""
        with QuickDepthwise():
            parts = self._parts(batch)
        loss = torch.stack([part for name, part in parts.items() if name != "right"]).sum()
        return loss, {name: part.detach() for name, part in parts.items()}

    def _parts(self, batch: ClipBatch) -> dict[str, Tensor]:
        """Return the losses, and the share of pixels that are ``right``, means over frames."""
        network, count = self.network, batch.frames.shape[1]
        encoded = self._encoded(batch.frames)
        identity = network.identify(maps_of(batch.given[:, 0], self.config.slots))
        long = short = network.remember(network.reference(encoded[0], identity), identity)
        parts: defaultdict[str, list[Tensor]] = defaultdict(list)
        for t in range(1, count):
            seen = network.look(encoded[t], long=long, short=short)
            logits = _upsampled(network.decode(seen, encoded[t]), batch.frames.shape[-1])
            target = batch.target[:, t]
            for name, value in {**slot_losses(logits, target), "right": right(logits, target)}.items():
                parts[name].append(value)
            if t + 1 < count:
                short, lasts = self._remembered(seen, logits, batch.given[:, t])
                long = joined([long, short]) if lasts else long
        return {name: torch.stack(values).mean() for name, values in parts.items()}

    def _encoded(self, frames: Float[Tensor, "b t e e"]) -> list[Features]:
        """Return the features of each frame; all frames share their batch statistics."""
        clips, count = frames.shape[:2]
        grey = frames.transpose(0, 1).reshape(-1, 1, *frames.shape[2:])
        features = self.network.encode(normalised(grey))
        kind = type(features.maps)
        maps = [torch.split(part, clips) for part in features.maps]
        tokens = torch.split(features.tokens, clips)
        return [Features(kind(*(part[t] for part in maps)), tokens[t], features.grid) for t in range(count)]

    def _remembered(
        self, seen: Seen, logits: Float[Tensor, "b s e e"], given: UInt8[Tensor, "b e e"]
    ) -> tuple[Memory, bool]:
        """Return a frame's memory, and whether it is kept for long."""
        own, lasts = bool(torch.rand(()) < OWN), bool(torch.rand(()) < LASTING)
        told = logits.detach().argmax(1).to(given.dtype) if own else given
        identity = self.network.identify(maps_of(told, self.config.slots))
        return self.network.remember(seen, identity), lasts


def learner(network: nn.Module, recipe: Recipe) -> Learner:
    """Return a DeAOT with its losses (:mod:`graticule.training.learners.identity`).

    Raises:
        ConfigError: If the recipe's size is not 16 k + 1.
    """
    assert isinstance(network, DeAOT)
    if recipe.size % STRIDE != 1:
        nearest = max(2, round((recipe.size - 1) / STRIDE)) * STRIDE + 1
        raise ConfigError(
            f"{recipe.network} needs a size of 1 px more than a multiple of {STRIDE} px, got {recipe.size};"
            f" give {nearest}"
        )
    if recipe.start == "random":
        start_from_scratch(network)
    return DeAOTLearner(network)


@torch.no_grad()
def start_from_scratch(network: DeAOT) -> None:
    """Let a network of random weights begin by looking, in the frame before, at the same place.

    As published, attention begins even: every token gets the mean of all identities, and which
    slot is whose stays unknown. Measured with 4 clips of 161 px a step (``whose``, from ln 10 =
    2.30): after 120 steps so 0.34, as published 2.1 or more.
    """
    along = torch.arange(-REACH, REACH + 1).square()
    near = -(along[:, None] + along).flatten() / (2 * NEAR_TOKENS**2)
    for module in network.modules():
        if isinstance(module, Layer):
            bias = module.relative.bias
            assert bias is not None
            bias.copy_(near)
        if isinstance(module, Output):
            weight = module.depthwise.weight
            weight.mul_(_SHARPER)
            weight[:, :, weight.shape[2] // 2, weight.shape[3] // 2] += 1.0


def _upsampled(logits: Float[Tensor, "b s h w"], edge: int) -> Float[Tensor, "b s e e"]:
    return interpolate(logits.float(), size=(edge, edge), mode="bilinear", align_corners=True)
