"""The arithmetic of one block of steps, in place, with channels contiguous.

B batch, G groups, C channels of one group, N states, T steps of one block.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

STEPS = 32
"""Steps of one block. One state in 32 is kept for the backward pass, half the size of u at 16
states; longer blocks leave the cache, shorter ones are not faster."""


def block_count(length: int) -> int:
    """Return how many blocks ``length`` steps make."""
    return (length + STEPS - 1) // STEPS


def spans(length: int) -> Iterator[slice]:
    """Yield the blocks' steps, first to last."""
    for start in range(0, length, STEPS):
        yield slice(start, min(start + STEPS, length))


def decay(delta_TBGC: Tensor, A_GNC: Tensor, *, out: Tensor) -> None:
    """Write exp(delta A), what each step leaves of the state, to (T, B, G, N, C)."""
    torch.mul(delta_TBGC.unsqueeze(3), A_GNC, out=out).exp_()


def outer(left_TBGN: Tensor, right_TBGC: Tensor, *, out: Tensor) -> None:
    """Write the products of each state's and each channel's number to (T, B, G, N, C)."""
    torch.mul(left_TBGN.unsqueeze(4), right_TBGC.unsqueeze(3), out=out)


def contract(left_TBGN: Tensor, right_TBGNC: Tensor) -> Tensor:
    """Return the sum over the states of left x right, (T, B, G, C)."""
    *lead, states, channels = right_TBGNC.shape
    product = torch.bmm(left_TBGN.view(-1, 1, states), right_TBGNC.view(-1, states, channels))
    return product.view(*lead, channels)


def contract_channels(left_TBGNC: Tensor, right_TBGC: Tensor) -> Tensor:
    """Return the sum over the channels of left x right, (T, B, G, N)."""
    *lead, states, channels = left_TBGNC.shape
    product = torch.bmm(left_TBGNC.view(-1, states, channels), right_TBGC.view(-1, channels, 1))
    return product.view(*lead, states)


def advance(decays_TBGNC: Tensor, inputs_TBGNC: Tensor, state_BGNC: Tensor) -> None:
    """Turn the inputs into states: x_t = decay_t x_{t-1} + input_t, from ``state_BGNC``."""
    for decay_BGNC, x_BGNC in zip(decays_TBGNC.unbind(), inputs_TBGNC.unbind(), strict=True):
        torch.addcmul(x_BGNC, decay_BGNC, state_BGNC, out=x_BGNC)
        state_BGNC = x_BGNC


def retreat(decays_TBGNC: Tensor, inputs_TBGNC: Tensor) -> None:
    """Turn the outputs' gradients into the states': g_t = input_t + decay_{t+1} g_{t+1}."""
    decays, gradients = decays_TBGNC.unbind(), inputs_TBGNC.unbind()
    for t in range(len(gradients) - 2, -1, -1):
        torch.addcmul(gradients[t], decays[t + 1], gradients[t + 1], out=gradients[t])
