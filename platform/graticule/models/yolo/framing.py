"""How a patch of any size becomes an image whose edges are multiples of the coarsest stride."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn.functional import interpolate

from graticule.models.yolo.decode import Detections
from graticule.models.yolo.network import PROTOTYPE_PX, STRIDES
from graticule.tiling.windows import BAND

NATIVE_PX = 512
"""Edge of the images of the paper's comparison."""
VIEW_PX = 360
"""Edge of the part of a larger frame that is magnified to the native size: small particles need it."""
GRID_PX = STRIDES[-1]
LEAST_CONTEXT_PX = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Framing:
    """A patch of ``shape``, scaled to ``scaled``, filled up at its far edges to ``padded``; (y, x)."""

    shape: tuple[int, int]
    scaled: tuple[int, int]
    padded: tuple[int, int]

    @classmethod
    def of(cls, shape: tuple[int, ...], *, zoom: float) -> "Framing":
        """Return the framing of a patch of ``shape``, enlarged by ``zoom``."""
        height, width = shape
        scaled = max(1, round(height * zoom)), max(1, round(width * zoom))
        padded = -(-scaled[0] // GRID_PX) * GRID_PX, -(-scaled[1] // GRID_PX) * GRID_PX
        return cls(shape=(height, width), scaled=scaled, padded=padded)

    @property
    def cells(self) -> int:
        """Number of grid cells of all strides."""
        return sum((self.padded[0] // stride) * (self.padded[1] // stride) for stride in STRIDES)

    @property
    def cell_px(self) -> tuple[float, float]:
        """Height and width of a prototype cell in pixels of the patch."""
        y, x = (PROTOTYPE_PX * edge / now for edge, now in zip(self.shape, self.scaled, strict=True))
        return y, x

    def seen(self, found: Detections) -> Detections:
        """Return detections with their boxes in pixels of the patch."""
        y, x = (edge / now for edge, now in zip(self.shape, self.scaled, strict=True))
        return replace(found, boxes=found.boxes * np.array([x, y, x, y], np.float32))


def framed(image: Float32[np.ndarray, "y x"], framing: Framing) -> Float32[Tensor, "1 h w"]:
    """Return an image scaled (bilinear, antialiased) and filled up with its mirror image."""
    if framing.scaled != framing.shape:
        given = torch.from_numpy(image)[None, None]
        image = interpolate(given, framing.scaled, mode="bilinear", align_corners=False, antialias=True)[
            0, 0
        ].numpy()
    below, right = (padded - now for padded, now in zip(framing.padded, framing.scaled, strict=True))
    return torch.from_numpy(np.pad(image, ((0, below), (0, right)), mode="symmetric"))[None]


def context_px(*, margin: int) -> int:
    """Return how many pixels at a cut edge not to trust.

    At least :data:`LEAST_CONTEXT_PX`, and so many more that the corner of what a window reads lies on
    the frame's grid of cells whenever that of what it writes does.
    """
    around = margin + BAND + 1
    return -(-(around + LEAST_CONTEXT_PX) // GRID_PX) * GRID_PX - around
