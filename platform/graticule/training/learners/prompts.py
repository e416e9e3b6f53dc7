"""Prompts as users and the automatic mode give them, drawn from labelled images.

Letters: B images, Q prompts.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from graticule.training.batch import Batch

PADDING, POINT, BOX_START, BOX_END = -1, 1, 2, 3
KINDS = (
    (POINT, PADDING, PADDING),
    (POINT, BOX_START, BOX_END),
    (POINT, POINT, PADDING),
    (PADDING, BOX_START, BOX_END),
)
"""Labels of a prompt's three places."""
CHANCES = (0.5, 0.3, 0.1, 0.1)
JITTER = 0.1
"""Standard deviation of a box's sides, in its lengths."""


class Asked(NamedTuple):
    """Prompts, and the particle that each means."""

    points: Float[Tensor, "b q 3 2"]
    """x, y in pixels of the crop."""
    labels: Int[Tensor, "b q 3"]
    particle: Int[Tensor, "b q"]
    """0 where an image has none to be asked for."""

    @property
    def counts(self) -> Bool[Tensor, "b q"]:
        """Whether a prompt means a particle, and so has an answer."""
        return self.particle > 0


def drawn(batch: Batch, count: int) -> Asked:
    """Return prompts for the particles of images whose touching particles have labels of their own.

    Each means a particle of its image, every one as likely as another, and asks with a point,
    a point and a box, two points, or a box. Points lie in the particle, the likelier the
    deeper. Other images, and those without particles, get points that mean nothing.

    Args:
        batch: Labelled images.
        count: Prompts of an image.
    """
    parts = [
        _of_image(*row, count) for row in zip(batch.labels, batch.distance[:, 0], batch.parted, strict=True)
    ]
    return Asked(*(torch.stack(column) for column in zip(*parts, strict=True)))


def _of_image(labels: Tensor, distance: Tensor, parted: Tensor, count: int) -> Asked:
    if not parted or not labels.any():
        points = torch.rand(count, 3, 2, device=labels.device) * labels.shape[-1]
        kinds = torch.tensor(KINDS[0], device=labels.device).expand(count, 3)
        points = torch.where(kinds[..., None] == PADDING, -1.0, points)
        return Asked(points, kinds, labels.new_zeros(count))
    y, x = labels.nonzero(as_tuple=True)
    owner = labels[y, x]
    particle = _chosen(int(labels.max()), count, labels.device)
    inside = torch.stack([x, y], dim=1).float()
    first, second = (inside[_pixels(owner, distance[y, x], particle)] for _ in range(2))
    start, end = _boxes(inside, owner, particle)
    kinds = torch.tensor(KINDS, device=labels.device)
    kind = torch.multinomial(torch.tensor(CHANCES, device=labels.device), count, replacement=True)
    marks = kinds[kind]
    second = torch.where(marks[:, 1:2] == POINT, second, start)
    points = torch.stack([first, second, end], dim=1)
    return Asked(torch.where(marks[..., None] == PADDING, -1.0, points), marks, particle)


def _chosen(particles: int, count: int, device: torch.device) -> Tensor:
    """Return which particles to ask for: all alike often, as far as that goes."""
    turns = -(-count // particles)
    return torch.cat([torch.randperm(particles, device=device) for _ in range(turns)])[:count] + 1


def _pixels(owner: Tensor, distance: Tensor, particle: Tensor) -> Tensor:
    """Return for each particle the index of one of its pixels, drawn by their distance."""
    order = owner.argsort(stable=True)
    until = (distance[order].double() + 0.01).cumsum(0)
    ends = owner[order].bincount(minlength=int(owner.max()) + 1).cumsum(0)
    past = torch.cat([until.new_zeros(1), until])[ends]
    low, high = past[particle - 1], past[particle]
    places = torch.searchsorted(until, low + torch.rand_like(low) * (high - low), right=True)
    # the rounding of a sum could lead into a neighbour
    return order[places.clamp(ends[particle - 1], ends[particle] - 1)]


def _boxes(inside: Tensor, owner: Tensor, particle: Tensor) -> tuple[Tensor, Tensor]:
    """Return the corners of each particle's box, outer edges of its pixels, moved a little."""
    size = (int(owner.max()) + 1, 2)
    index = owner[:, None].expand(-1, 2)
    start = inside.new_zeros(size).scatter_reduce(0, index, inside, "amin", include_self=False)[particle]
    end = inside.new_zeros(size).scatter_reduce(0, index, inside, "amax", include_self=False)[particle]
    sides = (end - start + 1) * JITTER
    start = start - 0.5 + sides * torch.randn_like(start)
    end = end + 0.5 + sides * torch.randn_like(end)
    return torch.minimum(start, end).clamp(min=0), torch.maximum(start, end)
