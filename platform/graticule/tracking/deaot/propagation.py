"""Gated propagation: features of the image and identities of objects, carried from frame to frame.

One attention map moves both branches, whose values lie side by side. B batch, N tokens of the
frame, C = :data:`EMBED` channels.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu

from graticule.tracking.deaot.attention import WINDOW, attend, attend_nearby
from graticule.tracking.deaot.config import ATTENTION, EMBED, VALUES
from graticule.tracking.deaot.layout import Grid, to_map, to_tokens


class Kept(NamedTuple):
    """What one layer remembers of some tokens."""

    key: Float[Tensor, "b m 128"]
    value: Float[Tensor, "b m 512"]
    identity: Float[Tensor, "b m 512"]


class Fresh(NamedTuple):
    """What one layer has of the present frame before its objects are known.

    ``carried`` is the identity branch; there is none below the first layer.
    """

    key: Float[Tensor, "b n 128"]
    value: Float[Tensor, "b n 512"]
    carried: Float[Tensor, "b n 256"] | None


class Output(nn.Module):
    """The gate, a depthwise 5 x 5 convolution over the grid, and a projection back to both branches."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(2 * VALUES, 2 * VALUES, 5, padding=2, groups=2 * VALUES, bias=False)
        self.project = nn.Linear(2 * VALUES, 2 * EMBED)

    def forward(
        self, found: Float[Tensor, "b n v"], gate: Float[Tensor, "b n v"], grid: Grid
    ) -> Float[Tensor, "b n c"]:
        """Return what is added to both branches."""
        map_ = to_map(found * gate, grid)
        projected: Tensor = self.project(to_tokens(self.depthwise(map_)))
        return projected


class SelfPropagation(nn.Module):
    """Both branches, propagated within the frame."""

    def __init__(self) -> None:
        super().__init__()
        self.key = nn.Linear(2 * EMBED, ATTENTION)
        self.values = nn.ModuleList(nn.Linear(EMBED, VALUES) for _ in range(2))
        self.gates = nn.ModuleList(nn.Linear(EMBED, VALUES) for _ in range(2))
        self.output = Output()

    def forward(
        self, image: Float[Tensor, "b n c"], carried: Float[Tensor, "b n c"], grid: Grid
    ) -> Float[Tensor, "b n d"]:
        """Return what is added to both branches."""
        key = self.key(torch.cat([image, carried], -1))
        branches = (image, carried)
        value, gate = (
            silu(torch.cat([linear(branch) for linear, branch in zip(side, branches, strict=True)], -1))
            for side in (self.values, self.gates)
        )
        added: Tensor = self.output(attend(key, key, value), gate, grid)
        return added


class Layer(nn.Module):
    """Propagation from the long-term memory, from the frame before, and within the frame."""

    def __init__(self, *, first: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(EMBED)
        self.key_value = nn.Linear(EMBED, ATTENTION + VALUES)
        self.gate = nn.Linear(EMBED, VALUES)
        self.identity = nn.Linear(EMBED if first else 2 * EMBED, VALUES)
        if not first:
            self.identity_norm = nn.LayerNorm(EMBED)
            self.identity_gate = nn.Linear(EMBED, VALUES)
        self.long, self.short = Output(), Output()
        self.relative = nn.Conv2d(ATTENTION, WINDOW**2, 1)
        self.self_norms = nn.ModuleList(nn.LayerNorm(EMBED) for _ in range(2))
        self.self_propagation = SelfPropagation()
        self.first = first

    def fresh(
        self, image: Float[Tensor, "b n c"], carried: Float[Tensor, "b n c"] | None
    ) -> tuple[Fresh, Float[Tensor, "b n v"]]:
        """Return what the layer has of the frame, and the gate of both branches."""
        normed = self.norm(image)
        both = self.key_value(normed)
        key, value = both[..., :ATTENTION], both[..., ATTENTION:]
        gate = silu(self.gate(normed))
        if carried is None:
            return Fresh(key, silu(value), None), torch.cat([gate, torch.ones_like(gate)], -1)
        carried = self.identity_norm(carried)
        return Fresh(key, silu(value), carried), torch.cat([gate, silu(self.identity_gate(carried))], -1)

    def kept(self, fresh: Fresh, identity: Float[Tensor, "b n c"]) -> Kept:
        """Return what is remembered of tokens whose identities are known."""
        known = identity if fresh.carried is None else torch.cat([fresh.carried, identity], -1)
        return Kept(fresh.key, fresh.value, silu(self.identity(known)))

    def forward(
        self,
        image: Float[Tensor, "b n c"],
        carried: Float[Tensor, "b n c"] | None,
        fresh: Fresh,
        gate: Float[Tensor, "b n v"],
        *,
        long: Kept,
        short: Kept,
        grid: Grid,
    ) -> tuple[Float[Tensor, "b n c"], Float[Tensor, "b n c"]]:
        """Return both branches after this layer."""
        far = attend(fresh.key, long.key, torch.cat([long.value, long.identity], -1))
        relative = to_tokens(self.relative(to_map(fresh.key, grid)))
        values = torch.cat([short.value, short.identity], -1)
        near = attend_nearby(fresh.key, short.key, values, relative, grid=grid)
        added = self.long(far, gate, grid) + self.short(near, gate, grid)
        image, carried = _added(image, carried, added)
        normed = (norm(branch) for norm, branch in zip(self.self_norms, (image, carried), strict=True))
        return _added(image, carried, self.self_propagation(*normed, grid))


def _added(
    image: Tensor, carried: Tensor | None, both: Tensor
) -> tuple[Float[Tensor, "b n c"], Float[Tensor, "b n c"]]:
    to_image, to_carried = both.chunk(2, -1)
    return image + to_image, to_carried if carried is None else carried + to_carried
