"""The selective scan by its definition, one step after another: the reference for all others.

B batch, D channels, L steps, N states, G groups of channels that share B and C.
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
    per_group = u.shape[1] // B.shape[1]
    u_BDL, delta_BDL = u.to(dtype), delta.to(dtype)
    A_DN = A.to(dtype)
    B_BDNL = B.to(dtype).repeat_interleave(per_group, dim=1)
    C_BDNL = C.to(dtype).repeat_interleave(per_group, dim=1)
    if delta_bias is not None:
        delta_BDL = delta_BDL + delta_bias.to(dtype)[:, None]
    if delta_softplus:
        delta_BDL = functional.softplus(delta_BDL)
    state_BDN = u_BDL.new_zeros((u.shape[0], *A.shape))
    outputs = []
    for t in range(u.shape[2]):
        step_BD1 = delta_BDL[:, :, t, None]
        state_BDN = torch.exp(step_BD1 * A_DN) * state_BDN
        state_BDN = state_BDN + step_BD1 * B_BDNL[..., t] * u_BDL[:, :, t, None]
        outputs.append((state_BDN * C_BDNL[..., t]).sum(-1))
    y_BDL = torch.stack(outputs, dim=2)
    if D is not None:
        y_BDL = y_BDL + D.to(dtype)[:, None] * u_BDL
    if z is not None:
        y_BDL = y_BDL * functional.silu(z.to(dtype))
    return y_BDL.to(u.dtype), state_BDN
