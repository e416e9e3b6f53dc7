"""Make a torch operator of a scan's forward and backward functions.

The compiler and autograd then see one opaque node that keeps its inputs and a few states,
never the states of every step.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

ScanOperator = Callable[..., tuple[Tensor, Tensor, Tensor]]
"""(u, delta, A, B, C, D, z, delta_bias, delta_softplus, keep) -> y, last state, kept states."""

ARGUMENTS = (
    "Tensor u, Tensor delta, Tensor A, Tensor B, Tensor C, "
    "Tensor? D, Tensor? z, Tensor? delta_bias, bool delta_softplus"
)
INPUTS = 8


def scan_operator(
    name: str,
    *,
    forward: Callable[..., tuple[Tensor, Tensor, Tensor]],
    backward: Callable[..., tuple[Tensor, ...]],
    kept_shape: Callable[[Tensor, Tensor], tuple[int, ...]],
) -> ScanOperator:
    """Register ``graticule::<name>_scan`` and return it.

    Args:
        name: Unique among torch's operators of graticule.
        forward: Called as :data:`ScanOperator`.
        backward: (dy, dlast, kept, u, …, delta_softplus) -> the gradients of the eight
            tensors, an empty tensor for each that is absent.
        kept_shape: (u, B) -> shape of the kept states; the first is 0 if nothing is kept.
    """
    operator = torch.library.custom_op(
        f"graticule::{name}_scan",
        _as_it_is(forward),
        mutates_args=(),
        schema=f"({ARGUMENTS}, bool keep) -> (Tensor, Tensor, Tensor)",
    )
    adjoint = torch.library.custom_op(
        f"graticule::{name}_scan_backward",
        _as_it_is(backward),
        mutates_args=(),
        schema=f"(Tensor dy, Tensor dlast, Tensor kept, {ARGUMENTS}) -> ({', '.join(['Tensor'] * INPUTS)})",
    )
    operator.register_fake(partial(_shapes, kept_shape))
    adjoint.register_fake(_gradient_shapes)
    operator.register_autograd(partial(_gradient, adjoint), setup_context=_remember)
    return operator


def in_kind(gradients: Iterable[Tensor | None], tensors: Sequence[Any]) -> tuple[Tensor, ...]:
    """Return gradients as a backward function does: in their tensors' types, empty where one is absent.

    The first of ``tensors`` is always there.
    """
    return tuple(
        tensors[0].new_empty(0) if tensor is None or gradient is None else gradient.to(tensor.dtype)
        for gradient, tensor in zip(gradients, tensors, strict=True)
    )


def _as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` kept from autocast, which would take its products in half precision."""

    def run(first: Tensor, *others: Any) -> Any:
        with torch.autocast(first.device.type, enabled=False):
            return function(first, *others)

    return run


def _shapes(
    kept_shape: Callable[[Tensor, Tensor], tuple[int, ...]],
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    *rest: Any,
) -> tuple[Tensor, Tensor, Tensor]:
    dtype = torch.promote_types(u.dtype, torch.float32)
    kept = kept_shape(u, B)
    return (
        u.new_empty(u.shape),
        u.new_empty((u.shape[0], *A.shape), dtype=dtype),
        u.new_empty(kept if rest[-1] else (0, *kept[1:]), dtype=dtype),
    )


def _gradient(
    adjoint: Callable[..., tuple[Tensor, ...]],
    ctx: Any,
    dy: Tensor | None,
    dlast: Tensor | None,
    _: Tensor | None,
) -> tuple[Any, ...]:
    *tensors, kept = ctx.saved_tensors
    u, A = tensors[0], tensors[2]
    if dy is None:
        dy = torch.zeros_like(u)
    if dlast is None:
        dlast = kept.new_zeros((u.shape[0], *A.shape))
    gradients = adjoint(dy, dlast, kept, *tensors, ctx.delta_softplus)
    pairs = zip(tensors, gradients, strict=True)
    return (*(None if tensor is None else grad for tensor, grad in pairs), None, None)


def _gradient_shapes(dy: Tensor, dlast: Tensor, kept: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    return tuple(
        dy.new_empty(0) if tensor is None else tensor.new_empty(tensor.shape) for tensor in arguments[:INPUTS]
    )


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    ctx.set_materialize_grads(False)
    ctx.delta_softplus = inputs[INPUTS]
    ctx.save_for_backward(*inputs[:INPUTS], output[2])
