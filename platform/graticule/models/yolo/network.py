"""YOLOv8n-seg: ultralytics' layers, run by us so that their raw answer can be had in float32.

Letters: B batch, C classes, M mask coefficients (32), K bins of a box side (16), N grid cells
of all three strides, H W pixels of the image.

A cell at (x, y) of the grid with stride s answers for the point ((x + 0.5) s, (y + 0.5) s). Each
side of its box lies at the expected value of K bins, in strides from that point (X. Li et al. 2020,
"Generalized Focal Loss", arXiv 2006.04388); the mask of an instance is the product of its M
coefficients with the M prototypes (D. Bolya et al. 2019, "YOLACT", arXiv 1904.02689).
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from graticule.models.architecture import NetworkConfig
from graticule.models.yolo.library import segmentation_model

STRIDES = (8, 16, 32)
"""Pixels per grid cell; the edges of an image are multiples of the last."""
PROTOTYPE_PX = 4
"""Pixels per cell of the prototypes."""
COEFFICIENTS = 32
BINS = 16


class YoloConfig(NetworkConfig):
    """Sizes of YOLOv8n-seg."""

    classes: int = Field(default=1, ge=1)


class YoloOutput(NamedTuple):
    """What the network says of each grid cell, and the prototypes of all masks.

    ``predictions``: box (x0, y0, x1, y1) in pixels of the image, a logit per class, 32 mask
    coefficients; cells in raster order, the finest grid first; float32 whatever the network's
    precision, in which a coordinate would be off by pixels. ``prototypes``: at a quarter of the
    image's size.
    """

    predictions: Float[Tensor, "b channels n"]
    prototypes: Float[Tensor, "b 32 h4 w4"]


class YoloSeg(nn.Module):
    """YOLOv8n-seg; input is RGB in 0..1, edges multiples of 32."""

    def __init__(self, config: YoloConfig, *, checkpointing: bool = False) -> None:
        super().__init__()
        self.config = config
        self.checkpointing = checkpointing
        """Whether training keeps only what passes between layers, and computes the rest again."""
        self.network: Any = segmentation_model(config.classes)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> YoloOutput:
        """Return boxes, class logits, mask coefficients and prototypes."""
        head, features = self.network.model[-1], self.features(images)
        sides_BKN = _cells(head.cv2, features).float()
        points_2N, strides_N = _grid(features)
        boxes_B4N = _boxes(sides_BKN, points_2N, strides_N)
        logits_BCN = _cells(head.cv3, features).float()
        coefficients_BMN = _cells(head.cv4, features).float()
        predictions = torch.cat([boxes_B4N, logits_BCN, coefficients_BMN], dim=1)
        return YoloOutput(predictions, head.proto(features[0]))

    def features(self, images: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        """Return the three maps that the head looks at, strides 8, 16, 32."""
        *layers, head = self.network.model
        seen: list[Tensor] = []
        here = images
        for layer in layers:
            given = self._inputs(layer.f, here, seen)
            here = self._through(layer, given)
            seen.append(here)
        return [seen[index] for index in head.f]

    def _inputs(self, source: int | list[int], here: Tensor, seen: list[Tensor]) -> Tensor | list[Tensor]:
        if isinstance(source, int):
            return here if source == -1 else seen[source]
        return [here if index == -1 else seen[index] for index in source]

    def _through(self, layer: nn.Module, given: Tensor | list[Tensor]) -> Tensor:
        if self.checkpointing and self.training and torch.is_grad_enabled():
            answer: Tensor = checkpoint(
                layer, given, use_reentrant=False, context_fn=lambda: (nullcontext(), _second_look(layer))
            )
            return answer
        plain: Tensor = layer(given)
        return plain


def _second_look(layer: nn.Module) -> AbstractContextManager[None]:
    """Keep batch normalisation from counting a batch twice that is only computed again."""
    norms = [module for module in layer.modules() if isinstance(module, nn.BatchNorm2d)]

    @contextmanager
    def uncounted() -> Iterator[None]:
        before = [(norm.momentum, int(norm.num_batches_tracked or 0)) for norm in norms]
        for norm in norms:
            norm.momentum = 0.0
        try:
            yield
        finally:
            for norm, (momentum, count) in zip(norms, before, strict=True):
                norm.momentum = momentum
                if norm.num_batches_tracked is not None:
                    norm.num_batches_tracked.fill_(count)

    return uncounted()


def _cells(heads: nn.ModuleList, features: list[Tensor]) -> Tensor:
    maps = [head(feature) for head, feature in zip(heads, features, strict=True)]
    return torch.cat([map_.flatten(2) for map_ in maps], dim=2)


def _grid(features: list[Tensor]) -> tuple[Float[Tensor, "2 n"], Float[Tensor, " n"]]:
    """Return each cell's point (x, y) in cells of its own grid, and its stride in pixels."""
    points, strides = [], []
    for feature, stride in zip(features, STRIDES, strict=True):
        height, width = feature.shape[2:]
        y = torch.arange(height, device=feature.device, dtype=torch.float32) + 0.5
        x = torch.arange(width, device=feature.device, dtype=torch.float32) + 0.5
        points.append(torch.stack([x.repeat(height), y.repeat_interleave(width)]))
        strides.append(x.new_full((height * width,), stride))
    return torch.cat(points, dim=1), torch.cat(strides)


def _boxes(
    sides_BKN: Float[Tensor, "b sides n"], points_2N: Float[Tensor, "2 n"], strides_N: Float[Tensor, " n"]
) -> Float[Tensor, "b 4 n"]:
    """Return boxes (x0, y0, x1, y1) in pixels from the bins of their sides, left top right bottom."""
    bins = torch.arange(BINS, device=sides_BKN.device, dtype=torch.float32)
    chances = sides_BKN.reshape(len(sides_BKN), 4, BINS, -1).softmax(dim=2)
    # A product of matrices would be taken in half precision under autocast.
    reach_B4N = (chances * bins[:, None]).sum(dim=2)
    before, after = reach_B4N.chunk(2, dim=1)
    return torch.cat([points_2N - before, points_2N + after], dim=1) * strides_N
