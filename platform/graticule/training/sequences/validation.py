"""How well a network carries identities over clips held out, by what it is given after each frame."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import UInt8
from torch import nn
from torch.nn.functional import interpolate, one_hot

from graticule.tracking.deaot.network import DeAOT, normalised
from graticule.training.examples import Source
from graticule.training.ledger import SCORE
from graticule.training.plan import Pick
from graticule.training.recipe import TrackerRecipe
from graticule.training.sequences.clip import Clip
from graticule.training.sequences.known import IGNORED
from graticule.training.sequences.maker import ClipMaker
from graticule.training.validation import (
    AbstractScored,
    AbstractValidation,
    Picture,
    side_by_side,
    title_of,
)

EACH = 2
"""Clips of each example held out."""
_SEED = 2**61
"""Seeds of clips to train on are drawn; that one is among them once in 10^18."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredClip(AbstractScored):
    """What a network found in a clip.

    Attributes:
        name: Of the source and its example.
        clip: Frames, and what it was given and to find.
        found: Slot maps; the first is what was given.
        iou: Mean over frames and slots.
        right: Share of the objects' pixels that have the right slot.
    """

    name: str
    clip: Clip
    found: UInt8[np.ndarray, "t e e"]
    iou: float
    right: float

    def figures(self) -> Mapping[str, float]:
        """Return its metrics by name."""
        return {"iou": self.iou, "right": self.right}

    def pictures(self) -> list[Picture]:
        """Return the last frame, its truth, and what was found."""
        known = (np.where(slots == IGNORED, 0, slots) for slots in (self.clip.target[-1], self.found[-1]))
        return side_by_side(self.clip.frames[-1], *known)


class ClipValidation(AbstractValidation):
    """Scores a network on the same clips each time.

    Args:
        sources: Where the examples come from.
        held: Of each source, its examples.
        recipe: Of the network.
        device: Where the network runs.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        held: Sequence[Sequence[int]],
        recipe: TrackerRecipe,
        *,
        device: torch.device,
    ) -> None:
        self.device = device
        self._sources, self._make = sources, ClipMaker(sources, recipe)
        self._picks = [
            Pick(source=place, index=index, seed=_SEED + turn)
            for place, part in enumerate(held)
            for index in part
            for turn in range(EACH)
        ]
        self._clips: dict[int, Clip] = {}

    def __len__(self) -> int:
        return len(self._picks)

    def summary(self, scored: Sequence[ScoredClip]) -> dict[str, float]:
        """Return the means over clips."""
        if not scored:
            return {}
        iou, right = (float(np.mean([getattr(one, name) for one in scored])) for name in ("iou", "right"))
        return {"iou": iou, "right": right, SCORE: iou}

    def each(self, network: nn.Module) -> Iterator[ScoredClip]:
        """Yield what a network finds in the clips."""
        assert isinstance(network, DeAOT)
        for number, pick in enumerate(self._picks):
            if number not in self._clips:
                self._clips[number] = self._make(pick)
            clip = self._clips[number]
            found = followed(network.eval(), clip, self.device)
            yield ScoredClip(
                name=title_of(self._sources[pick.source], pick.index),
                clip=clip,
                found=found,
                iou=slot_iou(found[1:], clip.target[1:]),
                right=slots_right(found[1:], clip.target[1:]),
            )


@torch.no_grad()
def followed(network: DeAOT, clip: Clip, device: torch.device) -> UInt8[np.ndarray, "t e e"]:
    """Return the slots that a network tells of a clip, given the truth of each frame after it told it."""
    slots = network.config.slots
    network.to(device)
    frames = torch.from_numpy(clip.frames)[:, None].to(device)
    given = one_hot(torch.from_numpy(clip.given).long().to(device), slots + 1).movedim(-1, 1).float()
    told = [clip.given[0]]
    long = short = None
    for t in range(len(frames)):
        features = network.encode(normalised(frames[t : t + 1]))
        identity = network.identify(given[t : t + 1])
        if long is None or short is None:
            seen = network.reference(features, identity)
            long = network.remember(seen, identity)
        else:
            seen = network.look(features, long=long, short=short)
            logits = network.decode(seen, features)
            whole = interpolate(logits, size=frames.shape[-2:], mode="bilinear", align_corners=True)
            told.append(whole[0].argmax(0).to(torch.uint8).cpu().numpy())
        short = network.remember(seen, identity)
    return np.stack(told)


def slot_iou(found: UInt8[np.ndarray, "t e e"], target: UInt8[np.ndarray, "t e e"]) -> float:
    """Return the mean over frames and the slots in them; 1 where there is none to be found."""
    each = []
    for told, truth in zip(found, target, strict=True):
        known = truth != IGNORED
        for slot in np.unique(truth[known & (truth > 0)]).tolist():
            mine, true = (told == slot) & known, truth == slot
            each.append(np.count_nonzero(mine & true) / np.count_nonzero(mine | true))
    return float(np.mean(each)) if each else 1.0


def slots_right(found: UInt8[np.ndarray, "t e e"], target: UInt8[np.ndarray, "t e e"]) -> float:
    """Return the share of the objects' pixels that have the right slot; 1 where there is none."""
    objects = (target != IGNORED) & (target > 0)
    return float((found == target)[objects].mean()) if objects.any() else 1.0
