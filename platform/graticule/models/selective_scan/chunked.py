"""The selective scan in blocks of steps: the fast form in plain torch.

All that does not depend on the state (decay, input, output) is computed for a block of steps
and a slab of channels at once, in two small buffers that stay in cache; what remains of a step
is one fused multiply-add over all states of the slab. No exponent is ever positive. For the
backward pass only the state at the start of each block is kept.

B batch, G groups, C channels of one group, N states, T steps of one block, K blocks.
"""

import torch
from torch import Tensor

from graticule.models.selective_scan.adjoint import backward
from graticule.models.selective_scan.operator import scan_operator
from graticule.models.selective_scan.recurrence import (
    STEPS,
    advance,
    block_count,
    contract,
    decay,
    outer,
    spans,
)
from graticule.models.selective_scan.slabs import Block, Grouped, block, by_group, grouped, slabs, time_last


def forward(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    delta_bias: Tensor | None,
    delta_softplus: bool,
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return y (B, D, L), the last state (B, D, N) and the states at the blocks' starts.

    u, delta and z are (B, D, L), A is (D, N), B and C are (B, G, N, L), D and delta_bias (D,).
    The starts are (K, B, G, N, C); their first dimension is 0 unless ``keep``.
    """
    arguments = grouped(u, delta, A, B, C, D, z, delta_bias)
    dtype = torch.promote_types(u.dtype, torch.float32)
    y, last = u.new_empty(u.shape), u.new_empty((u.shape[0], *A.shape), dtype=dtype)
    y_BGCL, last_BGCN = by_group(y, 1, B.shape[1]), by_group(last, 1, B.shape[1])
    shape = kept_shape(u, B)
    starts_KBGNC = u.new_empty(shape if keep else (0, *shape[1:]), dtype=dtype)
    for batch, channels in slabs(arguments):
        _forward_slab(
            arguments.slab(batch, channels),
            y_BGCL[batch, :, channels],
            last_BGCN[batch, :, channels],
            starts_KBGNC[:, batch, ..., channels],
            softplus=delta_softplus,
        )
    return y, last, starts_KBGNC


def kept_shape(u: Tensor, B: Tensor) -> tuple[int, ...]:
    """Return the shape of the states at the blocks' starts."""
    groups, states = B.shape[1:3]
    return block_count(u.shape[2]), u.shape[0], groups, states, u.shape[1] // groups


def _forward_slab(
    slab: Grouped, y_BGCL: Tensor, last_BGCN: Tensor, starts_KBGNC: Tensor, *, softplus: bool
) -> None:
    """Write a slab's outputs, last state and, where there is room for them, starts."""
    dtype = last_BGCN.dtype
    A_GNC = slab.A.to(dtype).transpose(1, 2).contiguous()
    batch, groups, channels, length = slab.u.shape
    shape = (min(STEPS, length), batch, groups, A_GNC.shape[1], channels)
    decays, states = last_BGCN.new_empty(shape), last_BGCN.new_empty(shape)
    state_BGNC = last_BGCN.new_zeros(shape[1:])
    for k, steps in enumerate(spans(length)):
        if len(starts_KBGNC):
            starts_KBGNC[k] = state_BGNC
        here = block(slab, steps, softplus=softplus, dtype=dtype)
        decays_TBGNC, states_TBGNC = decays[: len(here.u)], states[: len(here.u)]
        decay(here.delta, A_GNC, out=decays_TBGNC)
        outer(here.B, here.delta * here.u, out=states_TBGNC)
        advance(decays_TBGNC, states_TBGNC, state_BGNC)
        state_BGNC.copy_(states_TBGNC[-1])
        y_BGCL[..., steps] = time_last(_output(here, states_TBGNC, slab.D))
    last_BGCN.copy_(state_BGNC.transpose(2, 3))


def _output(here: Block, states_TBGNC: Tensor, D_GC: Tensor | None) -> Tensor:
    y_TBGC = contract(here.C, states_TBGNC)
    if D_GC is not None:
        y_TBGC.addcmul_(here.u, D_GC.to(y_TBGC.dtype))
    if here.z is not None:
        y_TBGC.mul_(torch.nn.functional.silu(here.z))
    return y_TBGC


scan = scan_operator("chunked", forward=forward, backward=backward, kept_shape=kept_shape)
