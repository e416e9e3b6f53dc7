"""Images to try things with, made by the simulator: the same ones each time."""

from functools import cache

import imagecodecs
import numpy as np

from graticule.synthetic import simulate
from serve.contract import Example
from serve.problems import Problem

SIZE_PX = 512
PIXEL_SIZE_NM = 0.5
TITLES = {
    "easy": "Well apart, high dose",
    "medium": "Crowded, uneven illumination",
    "hard": "Small particles, low dose",
}
_SEED = 11


def examples() -> list[Example]:
    """Return all that there are."""
    return [_made(name)[0] for name in TITLES]


def example_png(name: str) -> bytes:
    """Return an example as a PNG of 8 bits.

    Raises:
        Problem: 404 if there is none of that name.
    """
    if name not in TITLES:
        raise Problem("unknown", f"there is no example {name[:60]!r}; there are: {', '.join(TITLES)}")
    return _made(name)[1]


@cache
def _made(name: str) -> tuple[Example, bytes]:
    [frame] = simulate(name, frames=1, size=SIZE_PX, seed=_SEED)
    low, high = np.quantile(frame.image, [0.0005, 0.9995])
    grey = np.clip((frame.image.astype(np.float32) - low) * (255 / max(high - low, 1)), 0, 255)
    about = Example(
        name=name,
        title=TITLES[name],
        height=SIZE_PX,
        width=SIZE_PX,
        pixel_size_nm=PIXEL_SIZE_NM,
        particles=len(np.unique(frame.labels[frame.labels > 0])),
        url=f"/v1/examples/{name}.png",
    )
    return about, bytes(imagecodecs.png_encode(grey.astype(np.uint8), level=6))
