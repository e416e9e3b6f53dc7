"""The selective scan of mamba-ssm, where it is installed: CUDA kernels for half and float32."""

import torch
from torch import Tensor


def scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    delta_bias: Tensor | None,
    delta_softplus: bool,
) -> tuple[Tensor, Tensor]:
    """Return y and the last state. No gradient flows back from the last state.

    Its kernels want one dtype for what changes along the sequence and float32 for the rest.
    """
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn  # type: ignore[import-not-found]

    sequences = [tensor for tensor in (u, delta, B, C, z) if tensor is not None]
    dtype = u.dtype if all(tensor.dtype == u.dtype for tensor in sequences) else torch.float32
    y, last = selective_scan_fn(
        u.to(dtype),
        delta.to(dtype),
        A.float(),
        B.to(dtype),
        C.to(dtype),
        None if D is None else D.float(),
        None if z is None else z.to(dtype),
        None if delta_bias is None else delta_bias.float(),
        delta_softplus,
        True,
    )
    return y.to(u.dtype), last
