"""What ``graticule segment --segmenter threshold`` says of one frame."""

import numpy as np

from graticule import models
from graticule.tiling import segment_frames


def expected(frame: np.ndarray) -> np.ndarray:
    """Return the labels of a frame (y, x)."""
    segmenter = models.create("threshold", **models.adapt("threshold", {}, [frame]))
    return segment_frames(segmenter, frame[None])[0]
