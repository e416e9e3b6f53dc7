"""The selective scan by its definition, one step after another: the reference for all others.

B batch, D channels, L steps, N states, G groups that share B and C, C channels of one group.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def scan(
    u: Float[Tensor, "b d l"],
    delta: Float[Tensor, "b d l"],
    A: Float[Tensor, "d n"],
    B: Float[Tensor, "b g n l"],
    C: Float[Tensor, "b g n l"],
    D: Float[Tensor, " d"] | None,
    z: Float[Tensor, "b d l"] | None,
    delta_bias: Float[Tensor, " d"] | None,
    delta_softplus: bool,
) -> tuple[Float[Tensor, "b d l"], Float[Tensor, "b d n"]]:
    """Return y and the last state, differentiable by autograd.

    Keeps every state for the backward pass: (B, D, L, N) numbers, several times.
    Source: Gu and Dao, Mamba (2023), algorithm 2.
    """
    dtype = torch.promote_types(u.dtype, torch.float32)
    per_group = (B.shape[1], u.shape[1] // B.shape[1])
    u_BDL, delta_BDL = u.to(dtype), delta.to(dtype)
    if delta_bias is not None:
        delta_BDL = delta_BDL + delta_bias.to(dtype)[:, None]
    if delta_softplus:
        delta_BDL = functional.softplus(delta_BDL)
    u_BGCL, delta_BGCL = torch.unflatten(u_BDL, 1, per_group), torch.unflatten(delta_BDL, 1, per_group)
    B_BG1NL, C_BG1NL = B.to(dtype).unsqueeze(2), C.to(dtype).unsqueeze(2)
    A_GCN = torch.unflatten(A.to(dtype), 0, per_group)
    state_BGCN = u_BDL.new_zeros((u.shape[0], *A_GCN.shape))
    outputs = []
    for t in range(u.shape[2]):
        step_BGC1 = delta_BGCL[..., t, None]
        state_BGCN = torch.exp(step_BGC1 * A_GCN) * state_BGCN
        state_BGCN = state_BGCN + step_BGC1 * B_BG1NL[..., t] * u_BGCL[..., t, None]
        outputs.append((state_BGCN * C_BG1NL[..., t]).sum(-1).flatten(1))
    y_BDL = torch.stack(outputs, dim=2)
    if D is not None:
        y_BDL = y_BDL + D.to(dtype)[:, None] * u_BDL
    if z is not None:
        y_BDL = y_BDL * functional.silu(z.to(dtype))
    return y_BDL.to(u.dtype), state_BGCN.flatten(1, 2)
