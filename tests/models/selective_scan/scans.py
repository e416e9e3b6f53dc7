"""Drawn arguments of a selective scan, and what a backend makes of them."""

from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Tensor

from graticule.models.selective_scan import Backend, selective_scan


@dataclass(frozen=True, kw_only=True)
class Case:
    """Sizes and parts of a scan."""

    batch: int = 1
    groups: int = 1
    per_group: int = 2
    states: int = 3
    length: int = 5
    d: bool = True
    z: bool = True
    bias: bool = True
    softplus: bool = True
    three_dimensions: bool = False
    """B and C without the dimension of groups."""
    seed: int = 0

    def arguments(self, dtype: torch.dtype = torch.float32) -> list[Tensor | None]:
        """Return u, delta, A, B, C, D, z, delta_bias, to be differentiated."""
        draw = torch.Generator().manual_seed(self.seed)

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=draw, dtype=torch.float64)

        channels, groups = self.groups * self.per_group, () if self.three_dimensions else (self.groups,)
        sequence = (self.batch, channels, self.length)
        weights = (self.batch, *groups, self.states, self.length)
        delta = normal(*sequence)
        drawn = [
            normal(*sequence),
            delta - 1 if self.softplus else delta.abs() / 2,
            -torch.exp(normal(channels, self.states) / 2),
            normal(*weights),
            normal(*weights),
            normal(channels) if self.d else None,
            normal(*sequence) if self.z else None,
            normal(channels) / 2 if self.bias and self.softplus else None,
        ]
        return [None if x is None else x.to(dtype).requires_grad_() for x in drawn]


@st.composite
def cases(draw: st.DrawFn, longest: int = 200) -> Case:
    """Draw a case; lengths around a block's 32 steps, primes and powers of two are likely."""
    edges = [1, 2, 3, 31, 32, 33, 64, 67, 97, 128, 131]
    groups = draw(st.sampled_from([1, 2, 4]))
    return Case(
        batch=draw(st.integers(1, 3)),
        groups=groups,
        per_group=draw(st.integers(1, 5)),
        states=draw(st.integers(1, 16)),
        length=draw(st.one_of(st.sampled_from([x for x in edges if x <= longest]), st.integers(1, longest))),
        d=draw(st.booleans()),
        z=draw(st.booleans()),
        bias=draw(st.booleans()),
        softplus=draw(st.booleans()),
        three_dimensions=groups == 1 and draw(st.booleans()),
        seed=draw(st.integers(0, 2**16)),
    )


def values_and_gradients(case: Case, backend: Backend, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Return y, the last state, and the gradients of a loss of both."""
    arguments = case.arguments(dtype)
    y, last = selective_scan(*arguments, case.softplus, True, backend=backend)
    given = [x for x in arguments if x is not None]
    loss = (y.float() * torch.cos(torch.arange(y.numel()).reshape(y.shape))).sum() + last.float().sin().sum()
    return [y.detach(), last.detach(), *torch.autograd.grad(loss, given)]


def distance(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """Return the largest deviation of any array, relative to its own largest value or 1."""
    return max(
        float((a - b).abs().max() / b.abs().max().clamp(min=1.0)) for a, b in zip(ours, theirs, strict=True)
    )
