"""Losses of which slot each pixel has, in float32. Pixels :data:`IGNORED` count nowhere.

B images, S slots and the background, which is the first channel.
"""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from graticule.training.sequences.known import IGNORED

RARE = 4.0
"""Most that a pixel of objects weighs, relative to one of the background."""
_SMOOTH_PX = 1.0

Logits = Float[Tensor, "b s y x"]
Target = UInt8[Tensor, "b y x"]


def slot_losses(logits: Logits, target: Target) -> dict[str, Float[Tensor, ""]]:
    """Return all losses by name: ``entropy``, ``overlap`` and ``whose``."""
    return {
        "entropy": entropy(logits, target),
        "overlap": overlap(logits, target),
        "whose": whose(logits, target),
    }


def entropy(logits: Logits, target: Target) -> Float[Tensor, ""]:
    """Return the cross-entropy; where objects are rare they weigh up to :data:`RARE` times as much."""
    each = cross_entropy(logits, target.long(), ignore_index=IGNORED, reduction="none")
    known, objects = target != IGNORED, _objects(target)
    ratio = (known.sum() - objects.sum()) / objects.sum().clamp(min=1)
    weight = known + objects * (ratio.sqrt().clamp(1, RARE) - 1)
    return (each * weight).sum() / weight.sum().clamp(min=1)


def overlap(logits: Logits, target: Target) -> Float[Tensor, ""]:
    """Return 1 - the soft Jaccard index, its mean over the slots that are there.

    Source: M. A. Rahman and Y. Wang 2016, Optimizing intersection-over-union in deep neural
    networks for image segmentation, ISVC.
    """
    known = target != IGNORED
    chance = (logits.softmax(1) * known[:, None])[:, 1:]
    truth = maps_of(torch.where(known, target, 0), logits.shape[1] - 1)[:, 1:]
    both, truths = (chance * truth).sum((-2, -1)), truth.sum((-2, -1))
    either = chance.sum((-2, -1)) + truths - both
    wrong = 1 - (both + _SMOOTH_PX) / (either + _SMOOTH_PX)
    there = truths > 0
    return (wrong * there).sum() / there.sum().clamp(min=1)


def whose(logits: Logits, target: Target) -> Float[Tensor, ""]:
    """Return the cross-entropy among slots alone, where there is an object.

    It says which slot from the first step on, when all that the others teach is that most pixels
    are background.
    """
    objects = _objects(target)
    truth = torch.where(objects, target.long() - 1, IGNORED)
    each = cross_entropy(logits[:, 1:], truth, ignore_index=IGNORED, reduction="none")
    return each.sum() / objects.sum().clamp(min=1)


@torch.no_grad()
def right(logits: Logits, target: Target) -> Float[Tensor, ""]:
    """Return the share of objects' pixels that have the right slot."""
    objects = _objects(target)
    good = (logits.argmax(1) == target) & objects
    return good.sum() / objects.sum().clamp(min=1)


def maps_of(slots_BEE: UInt8[Tensor, "b y x"], slots: int) -> Float[Tensor, "b s y x"]:
    """Return a map of each slot, background first: 1 where it is."""
    return one_hot(slots_BEE.long(), slots + 1).movedim(-1, 1).float()


def _objects(target: Target) -> Tensor:
    return (target != IGNORED) & (target > 0)
