"""How much noise a picture bears until its particles can no longer be seen.

From what nobody can see a network learns to guess.
"""

import numpy as np
from jaxtyping import Float32, Int32

ROSE = 5.0
"""Contrast over noise, times the root of the area, from where a particle is seen.

Source: A. Rose 1948, J. Opt. Soc. Am. 38, 196."""


def noise_left(image: Float32[np.ndarray, "e e"], labels: Int32[np.ndarray, "e e"]) -> float:
    """Return the standard deviation of the noise which may still be added, in grey levels.

    With it, and with the noise there is, an instance of mean contrast and median area is
    just seen. 0 where it is not seen as it is; infinite where there are none, or nothing else.
    """
    areas = np.bincount(labels.ravel())
    if areas[0] in (0, labels.size):
        return float("inf")
    inside = float(image[labels > 0].mean())
    outside = (float(image.mean()) * image.size - inside * areas[1:].sum()) / areas[0]
    borne = abs(outside - inside) * float(np.median(areas[1:])) ** 0.5 / ROSE
    return float(max(borne**2 - noise_of(image) ** 2, 0.0) ** 0.5)


def noise_of(image: Float32[np.ndarray, "e e"]) -> float:
    """Return the standard deviation of the noise, if it differs from pixel to pixel.

    From second differences across two by two pixels, where an image without noise is nearly 0.
    Source: J. Immerkaer 1996, Comput. Vis. Image Underst. 64, 300, with a smaller mask.
    """
    across = image[:, 1:] - image[:, :-1]
    return float(np.abs(across[1:] - across[:-1]).mean() * (np.pi / 2) ** 0.5 / 2)
