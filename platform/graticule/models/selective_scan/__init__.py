"""The selective scan of Mamba: a linear recurrence whose coefficients depend on the input.

With d = softplus(delta + delta_bias), for each channel::

    x_t = exp(d_t A) x_{t-1} + d_t B_t u_t
    y_t = (sum over states of x_t C_t + D u_t) SiLU(z_t)

Backends: ``sequential`` is the definition; ``chunked`` is plain torch, light on memory;
``compiled`` are loops for a CPU, compiled by numba; ``triton`` is a kernel of ours for GPUs;
``mamba`` is mamba-ssm where it is installed.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from graticule.models.selective_scan import chunked, compiled, mamba, sequential, triton_kernel
from graticule.models.selective_scan.backends import BACKENDS, Backend, available, chosen

__all__ = ["BACKENDS", "Backend", "available", "selective_scan"]

_OPERATORS = {"chunked": chunked.scan, "compiled": compiled.scan, "triton": triton_kernel.scan}


def selective_scan(
    u: Float[Tensor, "b d l"],
    delta: Float[Tensor, "b d l"],
    A: Float[Tensor, "d n"],
    B: Float[Tensor, "b g n l"] | Float[Tensor, "b n l"],
    C: Float[Tensor, "b g n l"] | Float[Tensor, "b n l"],
    D: Float[Tensor, " d"] | None = None,
    z: Float[Tensor, "b d l"] | None = None,
    delta_bias: Float[Tensor, " d"] | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
    *,
    backend: Backend = "auto",
) -> Float[Tensor, "b d l"] | tuple[Float[Tensor, "b d l"], Float[Tensor, "b d n"]]:
    """Return y in the dtype of ``u`` and, if asked, the last state.

    Computed in float32, or float64 where ``u`` is.

    Args:
        u: Input.
        delta: Step sizes, before bias and softplus.
        A: Rates, real; negative for a state that decays.
        B: Input weights; channel c uses group c // (d / g).
        C: Output weights, likewise.
        D: Weight of the input in the output.
        z: Gate.
        delta_bias: Added to ``delta``.
        delta_softplus: Whether step sizes go through softplus.
        return_last_state: Whether to return the state after the last step too.
        backend: "auto" is GRATICULE_SCAN if set, else the fastest that can run.

    Raises:
        ConfigError: If the backend cannot run here.
    """
    B, C = _by_group(B), _by_group(C)
    differentiable = torch.is_grad_enabled()
    name = chosen(
        backend,
        u.device.type,
        states=A.shape[1],
        double=u.dtype == torch.float64,
        differentiable_last=return_last_state and differentiable,
    )
    arguments = (u, delta, A, B, C, D, z, delta_bias)
    if name == "sequential":
        y, last = sequential.scan(*arguments, delta_softplus)
    elif name == "mamba":
        y, last = mamba.scan(*arguments, delta_softplus)
    else:
        keep = differentiable and any(x is not None and x.requires_grad for x in arguments)
        y, last, _ = _OPERATORS[name](*arguments, delta_softplus, keep)
    return (y, last) if return_last_state else y


def _by_group(weights: Tensor) -> Tensor:
    return weights.unsqueeze(1) if weights.ndim == 3 else weights
