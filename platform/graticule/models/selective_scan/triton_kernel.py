"""The selective scan on a GPU, by Triton programs of ours; importable without triton or a GPU.

Deterministic: gradients that several programs share are written as shares and summed by torch.
Not tuned and not yet measured on a GPU; its values are tested with Triton's interpreter.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from graticule.models.selective_scan.operator import in_kind, scan_operator

STEPS = 32
"""Steps between two kept states."""
CHANNELS = 16
"""Channels of one program. Shares of dB and dC take N / 16 times the memory of u, each."""


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
    """Return y (B, D, L), the last state (B, D, N) and the states every :data:`STEPS` steps.

    u, delta and z are (B, D, L), A is (D, N), B and C are (B, G, N, L), D and delta_bias (D,).
    The kept states are (B, K, D, N); their first dimension is 0 unless ``keep``.
    """
    from graticule.models.selective_scan.triton_programs import forward_program

    tensors = _contiguous(u, delta, A, B, C, D, z, delta_bias)
    dtype = torch.promote_types(u.dtype, torch.float32)
    y, last = u.new_empty(u.shape), u.new_empty((u.shape[0], *A.shape), dtype=dtype)
    shape = kept_shape(u, B)
    starts = u.new_empty(shape if keep else (0, *shape[1:]), dtype=dtype)
    with _on(u):
        forward_program[_grid(u, B)](
            *(*_pointers(tensors), y, last, starts),
            *_sizes(u, B),
            **_switches(tensors, delta_softplus),
            KEEP=keep,
        )
    return y, last, starts


def backward(dy: Tensor, dlast: Tensor, kept: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    """Return the gradients of u, delta, A, B, C, D, z, delta_bias; empty for those that are None.

    Args:
        dy: Gradient of the output, (B, D, L).
        dlast: Gradient of the last state, (B, D, N).
        kept: States every :data:`STEPS` steps, (B, K, D, N).
        *arguments: Those of the forward pass, without ``keep``.
    """
    from graticule.models.selective_scan.triton_programs import backward_program

    *given, softplus = arguments
    tensors = _contiguous(*given)
    u, B = tensors[0], tensors[3]
    batch, channels, length = u.shape
    groups, states = B.shape[1:3]
    blocks = _channel_blocks(u, B)
    du, ddelta = torch.empty_like(u), torch.empty_like(tensors[1])
    dz = None if tensors[6] is None else torch.empty_like(tensors[6])
    dA = kept.new_empty((batch, channels, states))
    dB, dC = (kept.new_empty((blocks, batch, groups, length, states)) for _ in range(2))
    dD, dbias = (kept.new_empty((batch, channels)) for _ in range(2))
    grid = _grid(u, B)
    switches = _switches(tensors, softplus)
    scratch = kept.new_empty((*grid, STEPS, switches["BLOCK_C"], switches["BLOCK_N"]))
    outputs = (du, ddelta, dA, dB, dC, dD, du if dz is None else dz, dbias)
    with _on(u):
        backward_program[grid](
            *(dy.contiguous(), dlast.contiguous(), kept),
            *(*_pointers(tensors), *outputs, scratch),
            *_sizes(u, B),
            **switches,
        )
    sums = (du, ddelta, dA.sum(0), _over_blocks(dB), _over_blocks(dC), dD.sum(0), dz, dbias.sum(0))
    return in_kind(sums, tensors)


def kept_shape(u: Tensor, B: Tensor) -> tuple[int, ...]:
    """Return the shape of the states kept for the backward pass."""
    return u.shape[0], (u.shape[2] + STEPS - 1) // STEPS, u.shape[1], B.shape[2]


def _contiguous(*tensors: Tensor | None) -> list[Any]:
    return [None if tensor is None else tensor.contiguous() for tensor in tensors]


def _pointers(tensors: list[Any]) -> list[Tensor]:
    """Return the tensors, with any other in the place of an absent one: it is not read."""
    return [tensors[0] if tensor is None else tensor for tensor in tensors]


def _channel_blocks(u: Tensor, B: Tensor) -> int:
    return -(-(u.shape[1] // B.shape[1]) // CHANNELS)


def _grid(u: Tensor, B: Tensor) -> tuple[int, int]:
    return u.shape[0], B.shape[1] * _channel_blocks(u, B)


def _sizes(u: Tensor, B: Tensor) -> tuple[int, ...]:
    """Return length, channels, channels of a group, states, blocks of steps."""
    return u.shape[2], u.shape[1], u.shape[1] // B.shape[1], B.shape[2], kept_shape(u, B)[1]


def _switches(tensors: list[Any], softplus: bool) -> dict[str, Any]:
    import triton.language as tl  # type: ignore[import-untyped, import-not-found]

    u = tensors[0]
    columns = 1 << (tensors[2].shape[1] - 1).bit_length()
    return {
        "HAS_D": tensors[5] is not None,
        "HAS_Z": tensors[6] is not None,
        "HAS_BIAS": tensors[7] is not None,
        "SOFTPLUS": softplus,
        "DTYPE": tl.float64 if u.dtype == torch.float64 else tl.float32,
        "STEPS": STEPS,
        "BLOCK_C": CHANNELS,
        "BLOCK_N": columns,
        # One warp per 256 states: sums over a state or a channel then need no barrier.
        "num_warps": min(max(CHANNELS * columns // 256, 1), 8),
    }


def _over_blocks(shares: Tensor) -> Tensor:
    return shares.sum(0).transpose(2, 3).contiguous()


def _on(tensor: Tensor) -> AbstractContextManager[Any]:
    return torch.cuda.device(tensor.device) if tensor.is_cuda else nullcontext()


scan = scan_operator("triton", forward=forward, backward=backward, kept_shape=kept_shape)
