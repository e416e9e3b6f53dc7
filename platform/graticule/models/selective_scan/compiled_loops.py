"""The selective scan's two loops, compiled by numba.

The innermost loops run over channels, in vector registers. Nothing is kept but the state at
each block's start; the backward pass computes a block's states again.

S channels, L steps, N states, K blocks.
"""

# mypy: ignore-errors

import inspect
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from graticule.models.selective_scan.recurrence import STEPS

# reassociated sums fill vector registers; NaN and infinity stay what they are
_MATH = {"reassoc", "contract", "nsz", "arcp"}
_LEAST, _MOST = np.float32(-87.3), np.float32(88.0)
_PER_LOG2 = np.float32(1.4426950408889634)
_LOG2_HIGH, _LOG2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_HALF, _ONE = np.float32(0.5), np.float32(1.0)
_C0, _C1, _C2, _C3, _C4, _C5 = (
    np.float32(c)
    for c in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)
)
_BIAS, _MANTISSA = np.int32(127), np.int32(23)


def _compiled(function: Any) -> Any:
    """Return ``function`` compiled when first called, once for all processes where that can be kept."""
    function = inspect.unwrap(function)  # numba cannot look into the shape checks of tests
    how: Any = {"fastmath": _MATH, "nogil": True, "error_model": "numpy"}
    try:
        return njit(cache=True, **how)(function)
    except RuntimeError:  # neither this folder nor the user's own can be written
        return njit(**how)(function)


@intrinsic
def _float_of_bits(_: Any, bits: Any) -> Any:
    def generate(_context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], _context.get_value_type(signature.return_type))

    return types.float32(types.int32), generate


@_compiled
def _exp(x: Any) -> Any:
    """Return e^x to 2e-7, in operations that a compiler turns into vector ones.

    Source: the polynomial of S. Moshier's Cephes, expf.
    """
    x = min(max(x, _LEAST), _MOST)
    power = np.floor(x * _PER_LOG2 + _HALF)
    rest = x - power * _LOG2_HIGH - power * _LOG2_LOW
    value = ((((_C0 * rest + _C1) * rest + _C2) * rest + _C3) * rest + _C4) * rest + _C5
    value = value * rest * rest + rest + _ONE
    return value * _float_of_bits(np.int32((np.int32(power) + _BIAS) << _MANTISSA))


@_compiled
def forward(u, delta, A, B, C, y, last, starts):
    """Write y (L S), the last state (N S) and, where there is room, the blocks' starts (K N S).

    u and delta are (L S), A is (N S), B and C are (L N); all float32 and contiguous.
    """
    length, channels = u.shape
    states = A.shape[0]
    given = np.empty(channels, np.float32)
    last[:] = 0
    for t in range(length):
        if t % STEPS == 0 and starts.shape[0] > 0:
            starts[t // STEPS] = last
        for s in range(channels):
            given[s] = delta[t, s] * u[t, s]
            y[t, s] = 0
        for n in range(states):
            b, c = B[t, n], C[t, n]
            for s in range(channels):
                state = _exp(delta[t, s] * A[n, s]) * last[n, s] + given[s] * b
                last[n, s] = state
                y[t, s] += state * c


@_compiled
def backward(u, delta, A, B, C, dy, g, starts, du, ddelta, dA, dB, dC, y):
    """Write du, ddelta (L S) and, where there is room, y; add to dA (N S), dB and dC (L N).

    g is the last state's gradient, and is spent; the others as in :func:`forward`.
    """
    length, channels = u.shape
    states = A.shape[0]
    x = np.empty((states, channels), np.float32)
    decay = np.empty((STEPS, states, channels), np.float32)
    before = np.empty((STEPS, states, channels), np.float32)
    given, by_given, by_step = (
        np.empty(channels, np.float32),
        np.empty(channels, np.float32),
        np.empty(channels, np.float32),
    )
    # Inner loops over few arrays each: of more the compiler does not prove that they lie apart.
    for k in range(starts.shape[0] - 1, -1, -1):
        first = k * STEPS
        count = min(STEPS, length - first)
        x[:] = starts[k]
        for i in range(count):
            t = first + i
            for s in range(channels):
                given[s] = delta[t, s] * u[t, s]
            for n in range(states):
                b = B[t, n]
                for s in range(channels):
                    decay[i, n, s] = _exp(delta[t, s] * A[n, s])
                for s in range(channels):
                    before[i, n, s] = x[n, s]
                for s in range(channels):
                    x[n, s] = decay[i, n, s] * x[n, s] + given[s] * b
            if y.shape[0] > 0:
                y[t] = 0
                for n in range(states):
                    c = C[t, n]
                    for s in range(channels):
                        y[t, s] += x[n, s] * c
        for i in range(count - 1, -1, -1):
            t = first + i
            for s in range(channels):
                given[s] = delta[t, s] * u[t, s]
                by_given[s] = 0
                by_step[s] = 0
            for n in range(states):
                b, c = B[t, n], C[t, n]
                by_b, by_c = np.float32(0), np.float32(0)
                for s in range(channels):
                    by_c += (decay[i, n, s] * before[i, n, s] + given[s] * b) * dy[t, s]
                for s in range(channels):
                    g[n, s] += c * dy[t, s]
                for s in range(channels):
                    by_b += g[n, s] * given[s]
                    by_given[s] += g[n, s] * b
                for s in range(channels):
                    g[n, s] *= decay[i, n, s]
                for s in range(channels):
                    by_step[s] += g[n, s] * before[i, n, s] * A[n, s]
                for s in range(channels):
                    dA[n, s] += g[n, s] * before[i, n, s] * delta[t, s]
                dB[t, n] += by_b
                dC[t, n] += by_c
            for s in range(channels):
                du[t, s] = by_given[s] * delta[t, s]
            for s in range(channels):
                ddelta[t, s] = by_step[s] + by_given[s] * u[t, s]
