"""A few small patches from all over an image: what its range of grey levels is found from.

A network sees an image whose range, over the whole frame, is 0..1; a crop of it need not
span all of that. So what happens to a crop happens to an overview of its frame too, and the
range of that becomes 0..1.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from graticule.training.augment.geometry import Placement, warped

PATCHES = 5
"""Along each edge of the image."""
PATCH_PX = 24


def overview(image: Float32[np.ndarray, "y x"], placement: Placement) -> Float32[np.ndarray, "e e"]:
    """Return patches of an image side by side, as they lie in it, turned and scaled as ``placement``."""
    rows, columns = ([(k + 0.5) * length / PATCHES for k in range(PATCHES)] for length in image.shape)
    return np.block(
        [[warped(image, replace(placement, centre=(y, x)), PATCH_PX) for x in columns] for y in rows]
    )
