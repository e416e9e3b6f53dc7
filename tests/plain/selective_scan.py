"""The selective scan as a textbook writes it: every step's factors first, then a loop over steps."""

import torch
from torch import Tensor
from torch.nn import functional


def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    *,
    delta_bias: Tensor,
    delta_softplus: bool,
) -> Tensor:
    """y (b d l) of u, delta (b d l), A (d n), B and C (b g n l), D and delta_bias (d)."""
    channels = u.shape[1] // B.shape[1]
    B, C = B.repeat_interleave(channels, 1), C.repeat_interleave(channels, 1)
    step = delta + delta_bias[:, None]
    step = functional.softplus(step) if delta_softplus else step
    decay = torch.exp(step[..., None] * A[:, None])
    entering = step[..., None] * B.transpose(2, 3) * u[..., None]
    state = torch.zeros_like(decay[:, :, 0])
    outputs = []
    for t in range(u.shape[2]):
        state = decay[:, :, t] * state + entering[:, :, t]
        outputs.append(torch.einsum("bdn,bdn->bd", state, C[..., t]))
    return torch.stack(outputs, 2) + D[:, None] * u
