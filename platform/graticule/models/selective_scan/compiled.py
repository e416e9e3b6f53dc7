"""The selective scan on a CPU by loops that numba compiles: several times as fast as in plain torch.

Batch, groups and parts of channels are independent; threads share them, as many as torch uses.
What is elementwise (softplus, gate, the input's own share) torch does part by part, while a part
is in cache. Sums over parts are made in one order: the number of threads changes nothing.

B batch, G groups, C channels of one group, L steps, N states, K blocks.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from graticule.models.selective_scan.adjoint import room
from graticule.models.selective_scan.chunked import kept_shape
from graticule.models.selective_scan.operator import in_kind, scan_operator
from graticule.models.selective_scan.slabs import Grouped, by_group, grouped, there

CHANNELS = 64
"""Of a part: with 16 states a block's buffers stay in a core's second-level cache."""
Part = tuple[int, int, slice]
"""One of the batch, one group, and some of its channels."""
T = TypeVar("T")


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
    """Return what :func:`graticule.models.selective_scan.chunked.forward` returns."""
    from graticule.models.selective_scan import compiled_loops

    inputs = grouped(u, delta, A, B, C, D, z, delta_bias)
    y, last = torch.empty_like(u), torch.empty((u.shape[0], *A.shape))
    y_BGCL, last_BGCN = by_group(y, 1, B.shape[1]), by_group(last, 1, B.shape[1])
    shape = kept_shape(u, B)
    starts_KBGNC = torch.empty(shape if keep else (0, *shape[1:]))

    def run(part: Part) -> None:
        b, g, channels = part
        here = _Part.of(inputs, part, softplus=delta_softplus)
        out, state = torch.empty_like(here.u), torch.empty_like(here.A)
        starts = torch.empty((len(starts_KBGNC), *state.shape))
        compiled_loops.forward(*here.arrays, out.numpy(), state.numpy(), starts.numpy())
        out = here.with_input(out)
        if here.z is not None:
            out *= functional.silu(here.z)
        y_BGCL[b, g, channels] = out.T
        last_BGCN[b, g, channels] = state.T
        starts_KBGNC[:, b, g, :, channels] = starts

    for _ in _each(run, _parts(inputs)):
        pass
    return y, last, starts_KBGNC


def backward(dy: Tensor, dlast: Tensor, kept: Tensor, *arguments: Any) -> tuple[Tensor, ...]:
    """Return what :func:`graticule.models.selective_scan.adjoint.backward` returns."""
    from graticule.models.selective_scan import compiled_loops

    *tensors, softplus = arguments
    inputs = grouped(*tensors)
    groups = inputs.u.shape[1]
    dy_BGCL, dlast_BGCN = by_group(dy, 1, groups), by_group(dlast, 1, groups)
    gradients: list[Any] = [
        None if tensor is None else room(i, tensor, kept.dtype) for i, tensor in enumerate(tensors)
    ]
    to = grouped(*gradients)

    def run(part: Part) -> _Added:
        b, g, channels = part
        here = _Part.of(inputs, part, softplus=softplus)
        slope = _float(dy_BGCL[b, g, channels].T)
        before_gate = slope
        if here.z is not None:
            gate = torch.sigmoid(here.z)
            slope = slope * here.z * gate
        out = torch.empty(here.u.shape if here.z is not None else (0, here.u.shape[1]))
        du, ddelta = torch.empty_like(here.u), torch.empty_like(here.u)
        dA, dB, dC = (torch.zeros_like(x) for x in (here.A, here.B, here.C))
        given = slope, _float(dlast_BGCN[b, g, channels].T).clone(), _float(kept[:, b, g, :, channels])
        written = (du, ddelta, dA, dB, dC, out)
        compiled_loops.backward(*here.arrays, *(x.numpy() for x in (*given, *written)))
        if here.D is not None:
            du.addcmul_(slope, here.D)
        if softplus:
            ddelta *= -torch.expm1(-here.delta)
        if here.z is not None:
            by_gate = gate * (1 + here.z * (1 - gate))
            there(to.z)[b, g, channels] = (before_gate * here.with_input(out) * by_gate).T
        to.u[b, g, channels], to.delta[b, g, channels] = du.T, ddelta.T
        return _Added(dA, dB, dC, (slope * here.u).sum(0), ddelta.sum(0))

    parts = _parts(inputs)
    for (b, g, channels), added in zip(parts, _each(run, parts), strict=True):
        to.A[g, channels] += added.A.T
        to.B[b, g] += added.B.T
        to.C[b, g] += added.C.T
        if to.D is not None:
            to.D[g, channels] += added.D
        if to.bias is not None:
            to.bias[g, channels] += added.bias
    return in_kind(gradients, tensors)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """A part's arguments in float32, contiguous, as the loops take them."""

    u: Tensor
    """(L, C), as ``delta`` (after bias and softplus) and ``z``."""
    delta: Tensor
    A: Tensor
    """(N, C)"""
    B: Tensor
    """(L, N), as ``C``."""
    C: Tensor
    D: Tensor | None
    """(C,)"""
    z: Tensor | None

    @classmethod
    def of(cls, inputs: Grouped, part: Part, *, softplus: bool) -> "_Part":
        b, g, channels = part
        delta = _float(inputs.delta[b, g, channels].T)
        if inputs.bias is not None:
            delta = delta + inputs.bias[g, channels].float()
        return cls(
            u=_float(inputs.u[b, g, channels].T),
            delta=functional.softplus(delta) if softplus else delta,
            A=_float(inputs.A[g, channels].T),
            B=_float(inputs.B[b, g].T),
            C=_float(inputs.C[b, g].T),
            D=None if inputs.D is None else inputs.D[g, channels].float(),
            z=None if inputs.z is None else _float(inputs.z[b, g, channels].T),
        )

    @property
    def arrays(self) -> list[np.ndarray]:
        """The loops' first arguments."""
        return [x.numpy() for x in (self.u, self.delta, self.A, self.B, self.C)]

    def with_input(self, y: Tensor) -> Tensor:
        """Return outputs with the input's own share, which the loops leave out."""
        return y if self.D is None else y.addcmul_(self.u, self.D)


class _Added(NamedTuple):
    """A part's share in gradients that are sums."""

    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor
    bias: Tensor


def _parts(inputs: Grouped) -> list[Part]:
    """Return all there is to do."""
    batch, groups, channels, _ = inputs.u.shape
    spans = [slice(first, first + CHANNELS) for first in range(0, channels, CHANNELS)]
    return list(product(range(batch), range(groups), spans))


def _each(run: Callable[[Part], T], parts: list[Part]) -> Iterable[T]:
    """Yield what ``run`` makes of the parts, in their order."""
    threads = min(torch.get_num_threads(), len(parts))
    if threads < 2:
        yield from map(run, parts)
        return
    inferring = torch.is_inference_mode_enabled()

    def apart(part: Part) -> T:
        with torch.inference_mode(inferring), torch.no_grad():  # a thread has modes of its own
            return run(part)

    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(apart, parts)


def _float(tensor: Tensor) -> Tensor:
    return tensor.float().contiguous()


scan = scan_operator("compiled", forward=forward, backward=backward, kept_shape=kept_shape)
