"""Cubic convolution as matrices: any part of an upsampled image, at any offset and scale.

The same function as torch's bicubic interpolation, whose parameter is -0.75, without
upsampling what is not asked for.

Source: R. Keys, IEEE Trans. Acoustics, Speech, Signal Process. 29 (1981) 1153.
"""

import numpy as np
from jaxtyping import Float, Float32

A = -0.75


def cubic_matrix(at: Float[np.ndarray, " n"], size: int) -> Float32[np.ndarray, "n m"]:
    """Return the weights by which ``size`` samples give the values at ``at``.

    Beyond the first and the last sample these are repeated.

    Args:
        at: Where to interpolate; sample k lies at k.
        size: Number of samples, m.
    """
    first = np.floor(at).astype(np.int64)
    taps = first[:, None] + np.arange(-1, 3)
    weights = _kernel(np.abs(at[:, None] - taps))
    matrix = np.zeros((at.size, size))
    np.add.at(matrix, (np.arange(at.size)[:, None], np.clip(taps, 0, size - 1)), weights)
    return matrix.astype(np.float32)


def _kernel(away: np.ndarray) -> np.ndarray:
    near = ((A + 2) * away - (A + 3)) * away**2 + 1
    far = A * (((away - 5) * away + 8) * away - 4)
    return np.where(away <= 1, near, np.where(away < 2, far, 0.0))
