"""Views of a scan's arguments: channels by group, a slab of channels, a block of steps.

B batch, G groups, C channels of one group, L steps, N states, T steps of one block.
Inside a block time comes first and channels last, so that each operation runs over
contiguous channels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

STATES_AT_ONCE = 16384
"""States of a slab: one step of 64 KiB in float32 costs more than calling torch for it, and a
block of 32 steps stays in a core's second-level cache. Measured on an AMD EPYC, 1 MiB a core."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grouped:
    """Arguments of a scan as views by group, in the dtypes they came in."""

    u: Tensor
    """(B, G, C, L), as ``delta`` and ``z``."""
    delta: Tensor
    A: Tensor
    """(G, C, N)"""
    B: Tensor
    """(B, G, N, L), as ``C``."""
    C: Tensor
    D: Tensor | None
    """(G, C), as ``bias``."""
    z: Tensor | None
    bias: Tensor | None

    def slab(self, batch: slice, channels: slice) -> "Grouped":
        """Return some channels of each group of some of the batch."""
        sequence, every = (batch, slice(None), channels), (slice(None), channels)
        return Grouped(
            u=self.u[sequence],
            delta=self.delta[sequence],
            A=self.A[every],
            B=self.B[batch],
            C=self.C[batch],
            D=None if self.D is None else self.D[every],
            z=None if self.z is None else self.z[sequence],
            bias=None if self.bias is None else self.bias[every],
        )


def grouped(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    delta_bias: Tensor | None,
) -> Grouped:
    """Return the arguments with their channels split into the groups of B and C."""
    groups = B.shape[1]
    return Grouped(
        u=by_group(u, 1, groups),
        delta=by_group(delta, 1, groups),
        A=by_group(A, 0, groups),
        B=B,
        C=C,
        D=None if D is None else by_group(D, 0, groups),
        z=None if z is None else by_group(z, 1, groups),
        bias=None if delta_bias is None else by_group(delta_bias, 0, groups),
    )


def there(tensor: Tensor | None) -> Tensor:
    """Return what is known to be given."""
    assert tensor is not None
    return tensor


def by_group(tensor: Tensor, dim: int, groups: int) -> Tensor:
    """Return a view with the channels of ``dim`` split into groups."""
    return torch.unflatten(tensor, dim, (groups, -1))


def slabs(arguments: Grouped) -> Iterator[tuple[slice, slice]]:
    """Yield (batch, channels of each group) of slabs of at most :data:`STATES_AT_ONCE` states.

    A slab has at least one channel of each group, so a scan with very many groups has more.
    """
    batch, groups, channels, _ = arguments.u.shape
    column = groups * arguments.A.shape[2]
    count = -(-channels * column // STATES_AT_ONCE)
    width = max(-(-channels // count), 1)
    rows = max(STATES_AT_ONCE // (column * width), 1)
    for row in range(0, batch, rows):
        for channel in range(0, channels, width):
            yield slice(row, min(row + rows, batch)), slice(channel, min(channel + width, channels))


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A few steps of a slab in the dtype of the computation, time first."""

    u: Tensor
    """(T, B, G, C), as ``delta`` and ``z``."""
    delta: Tensor
    """After bias and softplus."""
    B: Tensor
    """(T, B, G, N), as ``C``."""
    C: Tensor
    z: Tensor | None


def block(slab: Grouped, steps: slice, *, softplus: bool, dtype: torch.dtype) -> Block:
    """Return ``steps`` of a slab."""
    delta_TBGC = time_first(slab.delta[..., steps], dtype)
    if slab.bias is not None:
        delta_TBGC = delta_TBGC + slab.bias.to(dtype)
    return Block(
        u=time_first(slab.u[..., steps], dtype),
        delta=functional.softplus(delta_TBGC) if softplus else delta_TBGC,
        B=time_first(slab.B[..., steps], dtype),
        C=time_first(slab.C[..., steps], dtype),
        z=None if slab.z is None else time_first(slab.z[..., steps], dtype),
    )


def time_first(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Return (…, T) as a contiguous (T, …)."""
    return tensor.movedim(-1, 0).to(dtype).contiguous()


def time_last(tensor: Tensor) -> Tensor:
    """Return (T, …) seen as (…, T)."""
    return tensor.movedim(0, -1)
