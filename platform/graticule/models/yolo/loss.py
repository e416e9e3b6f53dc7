"""Training targets and loss of YOLOv8n-seg, for a training loop of our own.

``YOLO.train()`` is never used: inside a Ray worker it scales the loss by a world size of its
own, or leaves gradients unsynchronised without a word.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import interpolate

from graticule.models.yolo.network import PROTOTYPE_PX, YoloSeg

_PARTS = ("box_loss", "seg_loss", "cls_loss", "dfl_loss")


class YoloTargets(NamedTuple):
    """The instances of a batch of images, in order of image and label.

    ``image`` says whose they are, ``boxes`` where (centre x, y, width, height, all over the
    image's size), ``masks`` at a quarter of the image's size which pixel is whose: the i-th
    instance of an image has i, counted from 1.
    """

    image: Int[Tensor, " n"]
    classes: Int[Tensor, "n 1"]
    boxes: Float[Tensor, "n 4"]
    masks: Int[Tensor, "b h4 w4"]


def targets_of(labels: Int[Tensor, "b h w"]) -> YoloTargets:
    """Return the targets of instance labels (0 is background), all of class 0."""
    boxes, images, masks = [], [], []
    for index, frame in enumerate(labels):
        instances = torch.unique(frame[frame > 0])
        small = interpolate(frame[None, None].double(), scale_factor=1 / PROTOTYPE_PX, mode="nearest-exact")
        own = torch.searchsorted(instances, small[0, 0].to(instances.dtype).contiguous()) + 1
        masks.append(torch.where(small[0, 0] > 0, own, 0))
        boxes += [_box(frame == instance) for instance in instances]
        images += [index] * len(instances)
    return YoloTargets(
        image=torch.tensor(images, dtype=torch.int64, device=labels.device),
        classes=torch.zeros(len(images), 1, dtype=torch.int64, device=labels.device),
        boxes=torch.stack(boxes) if boxes else labels.new_zeros((0, 4), dtype=torch.float32),
        masks=torch.stack(masks),
    )


class YoloLoss(nn.Module):
    """The network with its loss, as one module that DistributedDataParallel can wrap."""

    def __init__(self, network: YoloSeg) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, images: Float[Tensor, "b 3 h w"], targets: YoloTargets
    ) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
        """Return the loss per image, and its parts by name, detached."""
        model = self.network.network
        if getattr(getattr(model, "criterion", None), "device", images.device) != images.device:
            model.criterion = None  # it was made on another device
        batch = {
            "img": images,
            "batch_idx": targets.image,
            "cls": targets.classes,
            "bboxes": targets.boxes,
            "masks": targets.masks,
        }
        answer = model.model[-1](self.network.features(images))
        parts, seen = model.loss(batch, answer)
        named = seen if isinstance(seen, Mapping) else dict(zip(_PARTS, seen, strict=False))
        return parts.sum() / len(images), named


def _box(mask: Tensor) -> Float[Tensor, "4"]:
    height, width = mask.shape
    y, x = mask.any(dim=1).nonzero(), mask.any(dim=0).nonzero()
    y0, y1, x0, x1 = y.min(), y.max() + 1, x.min(), x.max() + 1
    centre = torch.stack([(x0 + x1) / 2 / width, (y0 + y1) / 2 / height])
    return torch.cat([centre, torch.stack([(x1 - x0) / width, (y1 - y0) / height])]).float()
