"""Gradients of the selective scan, block by block from the last to the first.

The states of one block are computed again from the state kept at its start. With g_t the
gradient of the loss by the state x_t::

    g_t = C_t dy_t + a_{t+1} g_{t+1}          a_t = exp(delta_t A)
    dC_t = x_t dy_t                           dB_t = g_t delta_t u_t
    d(delta_t u_t) = g_t B_t                  d(log a_t) = g_t a_t x_{t-1}

B batch, G groups, C channels of one group, L steps, N states, T steps of one block, K blocks.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graticule.models.selective_scan.operator import in_kind
from graticule.models.selective_scan.recurrence import (
    STEPS,
    advance,
    contract,
    contract_channels,
    decay,
    outer,
    retreat,
    spans,
)
from graticule.models.selective_scan.slabs import (
    Block,
    Grouped,
    block,
    by_group,
    grouped,
    slabs,
    there,
    time_first,
    time_last,
)

_WRITTEN_ONCE = (0, 1, 6)
"""u, delta and z; the other gradients are sums, which half precision would spoil."""


def backward(dy: Tensor, dlast: Tensor, kept: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    """Return the gradients of u, delta, A, B, C, D, z, delta_bias; empty for those that are None.

    Args:
        dy: Gradient of the output, (B, D, L).
        dlast: Gradient of the last state, (B, D, N).
        kept: States at the blocks' starts, (K, B, G, N, C).
        *arguments: Those of the forward pass, without ``keep``.
    """
    *tensors, softplus = arguments
    inputs = grouped(*tensors)
    groups = inputs.u.shape[1]
    dy_BGCL, dlast_BGCN = by_group(dy, 1, groups), by_group(dlast, 1, groups)
    gradients: list[Any] = [
        None if tensor is None else room(i, tensor, kept.dtype) for i, tensor in enumerate(tensors)
    ]
    outputs = grouped(*gradients)
    for batch, channels in slabs(inputs):
        starts_KBGNC = kept[:, batch, ..., channels]
        adjoint = _Adjoint(
            slab=inputs.slab(batch, channels),
            gradients=outputs.slab(batch, channels),
            A_GNC=inputs.A[:, channels].to(kept.dtype).transpose(1, 2).contiguous(),
            softplus=softplus,
            buffers=_buffers(min(STEPS, dy.shape[-1]), starts_KBGNC),
        )
        adjoint.run(dy_BGCL[batch, :, channels], dlast_BGCN[batch, :, channels], starts_KBGNC)
    return in_kind(gradients, tensors)


def room(index: int, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Return where the gradient of an argument is written, or, in ``dtype``, added."""
    if index in _WRITTEN_ONCE:
        return tensor.new_empty(tensor.shape)
    return tensor.new_zeros(tensor.shape, dtype=dtype)


def _buffers(steps: int, starts_KBGNC: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return room for a block's decays, its states after its start, and their gradients."""
    shape = starts_KBGNC.shape[1:]
    return (
        starts_KBGNC.new_empty((steps, *shape)),
        starts_KBGNC.new_empty((steps + 1, *shape)),
        starts_KBGNC.new_empty((steps, *shape)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Adjoint:
    """The backward pass of one slab."""

    slab: Grouped
    gradients: Grouped
    """Where the slab's gradients are written (u, delta, z) or added (all others)."""
    A_GNC: Tensor
    softplus: bool
    buffers: tuple[Tensor, Tensor, Tensor]

    def run(self, dy_BGCL: Tensor, dlast_BGCN: Tensor, starts_KBGNC: Tensor) -> None:
        """Go through the blocks from the last to the first."""
        dtype = starts_KBGNC.dtype
        carry_BGNC = dlast_BGCN.to(dtype).transpose(2, 3).contiguous()
        for k, steps in reversed(list(enumerate(spans(dy_BGCL.shape[-1])))):
            here = block(self.slab, steps, softplus=self.softplus, dtype=dtype)
            decays, states = self._states(here, starts_KBGNC[k])
            dy_TBGC = time_first(dy_BGCL[..., steps], dtype)
            if here.z is not None:
                dy_TBGC = self._gate(here, here.z, states[1:], dy_TBGC, steps)
            gradients = self._state_gradients(here, decays, dy_TBGC, carry_BGNC)
            self._outputs(here, states[1:], dy_TBGC, steps)
            self._inputs(here, decays, states[:-1], gradients, dy_TBGC, steps)

    def _states(self, here: Block, start_BGNC: Tensor) -> tuple[Tensor, Tensor]:
        """Return the block's decays and, after its start, its states."""
        count = len(here.u)
        decays, states = self.buffers[0][:count], self.buffers[1][: count + 1]
        states[0] = start_BGNC
        decay(here.delta, self.A_GNC, out=decays)
        outer(here.B, here.delta * here.u, out=states[1:])
        advance(decays, states[1:], states[0])
        return decays, states

    def _gate(self, here: Block, z: Tensor, states: Tensor, dy: Tensor, steps: slice) -> Tensor:
        """Write dz; return the gradient of the output before y SiLU(z)."""
        y = contract(here.C, states)
        if self.slab.D is not None:
            y.addcmul_(here.u, self.slab.D.to(y.dtype))
        gate = torch.sigmoid(z)
        there(self.gradients.z)[..., steps] = time_last(dy * y * gate * (1 + z * (1 - gate)))
        return dy * z * gate

    def _state_gradients(self, here: Block, decays: Tensor, dy: Tensor, carry_BGNC: Tensor) -> Tensor:
        """Return the states' gradients; ``carry_BGNC`` goes from the following block to the one before."""
        gradients = self.buffers[2][: len(dy)]
        outer(here.C, dy, out=gradients)
        gradients[-1] += carry_BGNC
        retreat(decays, gradients)
        torch.mul(decays[0], gradients[0], out=carry_BGNC)
        return gradients

    def _outputs(self, here: Block, states: Tensor, dy: Tensor, steps: slice) -> None:
        """Add the gradients of what makes outputs of states: C and D."""
        self.gradients.C[..., steps] += time_last(contract_channels(states, dy))
        if self.slab.D is not None:
            there(self.gradients.D).add_((dy * here.u).sum((0, 1)))

    def _inputs(
        self, here: Block, decays: Tensor, before: Tensor, gradients: Tensor, dy: Tensor, steps: slice
    ) -> None:
        """Write or add the gradients of what makes states: u, delta, A, B, the bias. Spends the buffers."""
        u, delta = here.u, here.delta
        dproduct = contract(here.B, gradients)
        self.gradients.B[..., steps] += time_last(contract_channels(gradients, delta * u))
        du = dproduct * delta
        if self.slab.D is not None:
            du.addcmul_(dy, self.slab.D.to(dy.dtype))
        self.gradients.u[..., steps] = time_last(du)
        dlog = gradients.mul_(decays).mul_(before)
        ddelta = torch.mul(dlog, self.A_GNC, out=decays).sum(3).addcmul_(dproduct, u)
        self.gradients.A.add_(dlog.mul_(delta.unsqueeze(3)).sum((0, 1)).transpose(1, 2))
        if self.softplus:
            ddelta.mul_(-torch.expm1(-delta))
        self.gradients.delta[..., steps] = time_last(ddelta)
        if self.slab.bias is not None:
            there(self.gradients.bias).add_(ddelta.sum((0, 1)))
