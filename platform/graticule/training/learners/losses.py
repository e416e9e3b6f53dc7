"""Losses of masks and of the centre distance, each one value per image or per mask, in float32."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from graticule.core.errors import ConfigError

SMOOTH_PX = 1.0
"""Added to both areas of a Dice: an image without foreground has one too, and it can be reached."""
SEAM_PX = 2
SEAM_WEIGHT = 5.0
BACKGROUND_WEIGHT = 0.1


def cross_entropy(
    logit: Float[Tensor, "b *m h w"], target: Float[Tensor, "b *m h w"]
) -> Float[Tensor, "b *m"]:
    """Return the binary cross-entropy, its mean over the pixels; targets may lie between 0 and 1."""
    each = functional.binary_cross_entropy_with_logits(logit.float(), target, reduction="none")
    return each.mean((-2, -1))


def dice(logit: Float[Tensor, "b *m h w"], target: Float[Tensor, "b *m h w"]) -> Float[Tensor, "b *m"]:
    """Return 1 - 2 |A B| / (|A| + |B|) of probabilities, smoothed by :data:`SMOOTH_PX`.

    Source: F. Milletari et al. 2016, V-Net, arXiv 1606.04797.
    """
    chance = logit.float().sigmoid()
    both = (chance * target).sum((-2, -1))
    areas = chance.sum((-2, -1)) + target.sum((-2, -1))
    return 1 - (2 * both + SMOOTH_PX) / (areas + SMOOTH_PX)


def focal(logit: Float[Tensor, "b *m h w"], target: Float[Tensor, "b *m h w"]) -> Float[Tensor, "b *m"]:
    """Return the cross-entropy weighed by the square of each pixel's error, its mean over the pixels.

    Sources: T.-Y. Lin et al. 2017, arXiv 1708.02002; for targets between 0 and 1 X. Li et al.
    2020, arXiv 2006.04388. Without a weight of the classes.
    """
    exact = logit.float()
    each = functional.binary_cross_entropy_with_logits(exact, target, reduction="none")
    return (each * (exact.sigmoid() - target).square()).mean((-2, -1))


def centre_distance(
    told: Float[Tensor, "b 1 h w"], target: Float[Tensor, "b 1 h w"], labels: Int[Tensor, "b h w"]
) -> Float[Tensor, " b"]:
    """Return the mean error of the centre distance, weighed by where it decides something.

    Particles are parted at its valleys, a few pixels of thousands, which therefore weigh
    :data:`SEAM_WEIGHT` times a particle's other pixels; on background it is hardly read.
    """
    weight = 1 + (SEAM_WEIGHT - 1) * seams(labels).float()
    weight = torch.where(labels > 0, weight, BACKGROUND_WEIGHT)[:, None]
    wrong = (told.float() - target).abs() * weight
    return wrong.sum((1, 2, 3)) / weight.sum((1, 2, 3))


def seams(labels: Int[Tensor, "b h w"]) -> Bool[Tensor, "b h w"]:
    """Return the pixels that have two particles within :data:`SEAM_PX`, themselves included."""
    edge = 2 * SEAM_PX + 1
    own = labels[:, None].float()  # exact up to 2^24 particles
    most = functional.max_pool2d(own, edge, stride=1, padding=SEAM_PX)
    others = torch.where(own > 0, own, torch.inf)
    least = -functional.max_pool2d(-others, edge, stride=1, padding=SEAM_PX)
    return ((least < most) & (most > 0))[:, 0]


def check_size(name: str, size: int, multiple: int) -> None:
    """Refuse a size of crops that a network cannot take.

    Raises:
        ConfigError: If ``size`` is no multiple of ``multiple`` pixels.
    """
    if size % multiple:
        nearest = max(1, round(size / multiple)) * multiple
        raise ConfigError(f"{name} needs a size in multiples of {multiple} px, got {size}; give {nearest}")
