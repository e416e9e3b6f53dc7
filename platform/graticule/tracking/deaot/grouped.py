"""Objects in groups of ten, a pass each, as published: what ours is measured against."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor
from torch.nn.functional import interpolate, one_hot

from graticule.tracking.deaot.carrier import Carrier, nearest_sites
from graticule.tracking.deaot.network import DeAOT, Features, Memory, Seen, joined
from graticule.tracking.deaot.sight import Lens
from graticule.tracking.deaot.sites import Sites

_CERTAIN = 1e-5
_NEVER = -1e10


class GroupedEngine:
    """Follows objects 1 … n through frames; time grows with n, memory with the frames added.

    Source: the inference engine of yoxu515/aot-benchmark.
    """

    def __init__(self, network: DeAOT, *, memory_gap: int | None = None) -> None:
        self.network = network.eval()
        self.memory_gap = memory_gap
        self.slots = network.config.slots

    @torch.inference_mode()
    def start(self, image: Float[Tensor, "1 3 y x"], labels: Int[Tensor, "1 y x"], *, objects: int) -> None:
        """Take the first frame and its objects."""
        self.objects, self.step, self.added = objects, 0, 0
        self.groups = max(1, -(-objects // self.slots))
        self.features = self.network.encode(image)
        identities = self._identities(labels)
        self.seen = [self.network.reference(self.features, identity) for identity in identities]
        self.short = self._remembered(identities)
        self.long = list(self.short)

    @torch.inference_mode()
    def propagate(self, image: Float[Tensor, "1 3 y x"]) -> Float[Tensor, "1 n y x"]:
        """Return the logits of background and objects in the next frame, of the image's size."""
        self.step += 1
        self.features = self.network.encode(image)
        self.seen = [
            self.network.look(self.features, long=long, short=short)
            for long, short in zip(self.long, self.short, strict=True)
        ]
        size = tuple(image.shape[-2:])
        logits = [self._logits(group, seen, self.features, size) for group, seen in enumerate(self.seen)]
        return logits[0] if len(logits) == 1 else _aggregated(logits)

    @torch.inference_mode()
    def update(self, labels: Int[Tensor, "1 y x"], *, objects: int | None = None) -> None:
        """Take what the frame's objects are held to be; ``objects``: how many, if more than before."""
        self.objects = max(self.objects, objects or 0)
        self.groups = max(1, -(-self.objects // self.slots))
        identities = self._identities(labels)
        for identity in identities[len(self.seen) :]:
            self.seen.append(self.network.reference(self.features, identity))
        self.short = self._remembered(identities)
        self.long += self.short[len(self.long) :]
        if self.memory_gap is not None and self.step - self.added >= self.memory_gap:
            self.long = [joined([new, old]) for new, old in zip(self.short, self.long, strict=True)]
            self.added = self.step

    def _identities(self, labels: Int[Tensor, "1 y x"]) -> list[Float[Tensor, "1 n 256"]]:
        identities = []
        for group in range(self.groups):
            own = labels - group * self.slots
            own = own.masked_fill((own < 0) | (own > self.slots), 0)
            maps = one_hot(own.long(), self.slots + 1).permute(0, 3, 1, 2)
            identities.append(self.network.identify(maps.to(self.features.tokens.dtype)))
        return identities

    def _remembered(self, identities: Sequence[Float[Tensor, "1 n 256"]]) -> list[Memory]:
        return [
            self.network.remember(seen, identity)
            for seen, identity in zip(self.seen, identities, strict=True)
        ]

    def _logits(
        self, group: int, seen: Seen, features: Features, size: tuple[int, ...]
    ) -> Float[Tensor, "1 s y x"]:
        logits = self.network.decode(seen, features).clone()
        logits[:, self.objects - group * self.slots + 1 :] = _NEVER
        return interpolate(logits, size=size, mode="bilinear", align_corners=True)


def _aggregated(groups: list[Float[Tensor, "1 s y x"]]) -> Float[Tensor, "1 n y x"]:
    """Return logits of all groups: background where all say so, each object by its own group."""
    chances = [logits.softmax(1) for logits in groups]
    background = torch.stack([chance[:, :1] for chance in chances]).prod(0)
    together = torch.cat([background, *(chance[:, 1:] for chance in chances)], 1)
    return together.clamp_(_CERTAIN, 1 - _CERTAIN).logit_()


class GroupCarrier(Carrier):
    """The published grouping as a carrier, so that nothing else differs when both are compared."""

    def __init__(self, network: DeAOT, lens: Lens, *, memory_gap: int) -> None:
        self.engine, self.lens = GroupedEngine(network, memory_gap=memory_gap), lens

    def start(self, grey: Float32[np.ndarray, "y x"], objects: Int[np.ndarray, "y x"], sites: Sites) -> None:
        """Take the first frame, and the object of each of its pixels (-1 is background)."""
        self.engine.start(self.lens.image(grey), self._labels(objects), objects=_count(sites))

    def move(self, drift: Float[np.ndarray, "2"]) -> None:
        """Take no notice, as published."""

    def look(self, grey: Float32[np.ndarray, "y x"], sites: Sites) -> Int[np.ndarray, "y x"]:
        """Return the site, by position, that each pixel of the next frame shows (-1: none)."""
        shown = self.engine.propagate(self.lens.image(grey)).argmax(1)[0].numpy(force=True)
        return nearest_sites(self.lens.restored(shown), sites.object + 1, sites.place)

    def remember(self, objects: Int[np.ndarray, "y x"], sites: Sites) -> None:
        """Take what the frame that was looked at is held to show."""
        self.engine.update(self._labels(objects), objects=_count(sites))

    def _labels(self, objects: Int[np.ndarray, "y x"]) -> Int[Tensor, "1 v u"]:
        return torch.from_numpy(self.lens.sampled(objects) + 1)[None]


def _count(sites: Sites) -> int:
    return int(sites.object.max(initial=-1)) + 1
