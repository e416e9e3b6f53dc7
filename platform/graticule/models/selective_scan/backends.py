"""Which implementation of the selective scan runs where."""

import os
from importlib.util import find_spec
from typing import Literal

import torch

from graticule.core.errors import ConfigError, UnknownNameError

Backend = Literal["auto", "sequential", "chunked", "compiled", "triton", "mamba"]
BACKENDS = ("sequential", "chunked", "compiled", "triton", "mamba")
_MAMBA_KERNELS = "selective_scan_cuda"
VARIABLE = "GRATICULE_SCAN"
"""Environment variable that takes the place of "auto"."""

TRITON_STATES = 256
"""Most states per channel that a program of ours, or mamba-ssm's, holds in registers."""


def available(device: str = "cpu") -> tuple[str, ...]:
    """Return the backends that can run on ``device``, "cpu" or "cuda"."""
    return tuple(name for name in BACKENDS if obstacle(name, device) is None)


def obstacle(name: str, device: str) -> str | None:
    """Return why a backend cannot run on ``device``, or None if it can."""
    if name == "compiled":
        if find_spec("numba") is None:
            return "numba is not installed"
        if device != "cpu":
            return f"it needs a CPU, not {device}"
    if name == "triton":
        if find_spec("triton") is None:
            return "triton is not installed"
        if device != "cuda" and os.environ.get("TRITON_INTERPRET") != "1":
            return f"it needs CUDA or TRITON_INTERPRET=1, not {device}"
    if name == "mamba":
        if find_spec("mamba_ssm") is None:
            return "mamba-ssm is not installed"
        if find_spec(_MAMBA_KERNELS) is None:
            return "mamba-ssm was built without its CUDA kernels"
        if device != "cuda":
            return f"it needs CUDA, not {device}"
    return None


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def chosen(
    backend: str, device: str, *, states: int = 16, double: bool = False, differentiable_last: bool = False
) -> str:
    """Return the backend to use: the one named, that of the environment, or the fastest usable.

    Args:
        backend: A name or "auto".
        device: "cpu" or "cuda".
        states: States per channel.
        double: Whether the computation is in float64.
        differentiable_last: Whether a gradient may flow back from the last state.

    Raises:
        UnknownNameError: If there is no such backend.
        ConfigError: If it cannot run here; lists those that can, and why others cannot.
    """
    named = os.environ.get(VARIABLE, "auto") if backend == "auto" else backend
    if named == "auto":
        return _fastest(device, states, double, differentiable_last)
    if named not in BACKENDS:
        raise UnknownNameError("selective scan", named, ("auto", *BACKENDS))
    reason = obstacle(named, device)
    if reason is not None:
        raise ConfigError(f"selective scan {named!r} cannot run: {reason}; {_choices(device)}")
    if named == "compiled" and double:
        raise ConfigError(f"selective scan 'compiled' computes in float32, not float64; {_choices(device)}")
    return named


def _fastest(device: str, states: int, double: bool, differentiable_last: bool) -> str:
    if not double and obstacle("compiled", device) is None:
        return "compiled"
    if device != "cuda" or states > TRITON_STATES:
        return "chunked"
    usable = available(device)
    if "mamba" in usable and not double and not differentiable_last:
        return "mamba"
    return "triton" if "triton" in usable else "chunked"


def _choices(device: str) -> str:
    others = {name: obstacle(name, device) for name in BACKENDS}
    usable = ", ".join(name for name, reason in others.items() if reason is None)
    barred = ", ".join(f"{name}: {reason}" for name, reason in others.items() if reason is not None)
    return f"usable: {usable} ({barred})"
