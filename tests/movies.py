"""Small movies that tests write themselves."""

from pathlib import Path

import numpy as np
import tifffile

from graticule.synthetic import simulate


def sintering_tiff(path: Path, *, frames: int = 24, size: int = 128, seed: int = 3) -> Path:
    """Write a simulated sintering movie as an ImageJ stack with its scale; return the path."""
    images = np.stack([frame.image for frame in simulate("easy", frames=frames, size=size, seed=seed)])
    tifffile.imwrite(
        path,
        images,
        imagej=True,
        resolution=(2.0, 2.0),
        metadata={"axes": "TYX", "unit": "nm", "finterval": 0.5},
    )
    return path
