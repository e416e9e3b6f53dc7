"""DeAOT: what the objects of one frame are in the next.

Source: Z. Yang and Y. Yang 2022, arXiv 2210.09782; published code yoxu515/aot-benchmark.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from graticule.tracking.deaot.config import EMBED, STRIDE, DeAOTConfig
from graticule.tracking.deaot.decoder import Decoder
from graticule.tracking.deaot.encoder import Maps, encoder
from graticule.tracking.deaot.layout import Grid, to_map, to_tokens
from graticule.tracking.deaot.propagation import Fresh, Kept, Layer

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

Memory = tuple[Kept, ...]
"""What each layer remembers of some tokens."""


class Features(NamedTuple):
    """An image, encoded; ``tokens`` row by row."""

    maps: Maps
    tokens: Float[Tensor, "b n 256"]
    grid: Grid


class Seen(NamedTuple):
    """A frame, looked at with a memory: ``tokens`` tell who is where, ``fresh`` can be remembered."""

    tokens: Float[Tensor, "b n 512"]
    fresh: tuple[Fresh, ...]


class DeAOT(nn.Module):
    """The network: encode, look, decode; identify, remember."""

    def __init__(self, config: DeAOTConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder(config)
        self.project = nn.Conv2d(self.encoder.dims[-1], EMBED, 1)
        self.layers = nn.ModuleList(Layer(first=index == 0) for index in range(config.layers))
        self.norm = nn.GroupNorm(2, 2 * EMBED)
        self.decoder = Decoder(self.encoder.dims, slots=config.slots)
        self.identities = nn.Conv2d(config.slots + 1, EMBED, STRIDE + 1, stride=STRIDE, padding=STRIDE // 2)
        self.identity_norm = nn.LayerNorm(EMBED)
        self.apply(_start)

    def encode(self, images: Float[Tensor, "b 3 y x"]) -> Features:
        """Return the features of images as :func:`normalised` gives them, edges 16 k + 1."""
        maps = self.encoder(images)
        projected = self.project(maps.last)
        return Features(maps, to_tokens(projected), (projected.shape[-2], projected.shape[-1]))

    def identify(self, slots: Float[Tensor, "b s y x"]) -> Float[Tensor, "b n 256"]:
        """Return the identities of tokens from one map per slot, 1 where it is; channel 0 is background."""
        normed: Tensor = self.identity_norm(to_tokens(self.identities(slots)))
        return normed

    def look(self, features: Features, *, long: Memory, short: Memory) -> Seen:
        """Return the frame as the long-term memory and that of the frame before explain it."""
        return self._through(features, list(zip(long, short, strict=True)), None)

    def reference(self, features: Features, identity: Float[Tensor, "b n 256"]) -> Seen:
        """Return a frame whose objects are given, explained by itself."""
        return self._through(features, None, identity)

    def remember(self, seen: Seen, identity: Float[Tensor, "b n 256"]) -> Memory:
        """Return what is remembered of a frame once its identities are known."""
        return tuple(
            layer.kept(fresh, identity) for layer, fresh in zip(self._layers(), seen.fresh, strict=True)
        )

    def decode(self, seen: Seen, features: Features) -> Float[Tensor, "b s h4 w4"]:
        """Return the logits of background and slots, at stride 4."""
        logits: Tensor = self.decoder(to_map(seen.tokens, features.grid), features.maps)
        return logits

    def _through(
        self,
        features: Features,
        memories: list[tuple[Kept, Kept]] | None,
        identity: Float[Tensor, "b n 256"] | None,
    ) -> Seen:
        image, carried, kept = features.tokens, None, list[Fresh]()
        for index, layer in enumerate(self._layers()):
            fresh, gate = layer.fresh(image, carried)
            if memories is None:
                assert identity is not None
                long = short = layer.kept(fresh, identity)
            else:
                long, short = memories[index]
            image, carried = layer(image, carried, fresh, gate, long=long, short=short, grid=features.grid)
            kept.append(fresh)
        assert carried is not None
        tokens = self.norm(torch.cat([image, carried], -1).transpose(1, 2)).transpose(1, 2)
        return Seen(tokens, tuple(kept))

    def _layers(self) -> list[Layer]:
        return [layer for layer in self.layers if isinstance(layer, Layer)]


def joined(memories: list[Memory]) -> Memory:
    """Return several memories as one, token after token."""
    return tuple(
        Kept(*(torch.cat(parts, 1) for parts in zip(*layers, strict=True)))
        for layers in zip(*memories, strict=True)
    )


def normalised(grey: Float[Tensor, "b 1 y x"]) -> Float[Tensor, "b 3 y x"]:
    """Return grey levels in 0..1 as the network takes them: as colours of ImageNet's mean and deviation."""
    mean, deviation = (grey.new_tensor(value).view(1, 3, 1, 1) for value in (MEAN, DEVIATION))
    return (grey - mean) / deviation


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
