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
    frames = [_of_frame(frame) for frame in labels]
    counts = torch.tensor([len(boxes) for boxes, _ in frames], device=labels.device)
    image = torch.repeat_interleave(torch.arange(len(frames), device=labels.device), counts)
    return YoloTargets(
        image=image,
        classes=torch.zeros(len(image), 1, dtype=torch.int64, device=labels.device),
        boxes=torch.cat([boxes for boxes, _ in frames]),
        masks=torch.stack([masks for _, masks in frames]),
    )


def loss_of(
    network: YoloSeg, images: Float[Tensor, "b 3 h w"], targets: YoloTargets
) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
    """Return the loss per image, and its parts by name, detached."""
    model = network.network
    if getattr(getattr(model, "criterion", None), "device", images.device) != images.device:
        model.criterion = None  # it was made on another device
    batch = {
        "img": images,
        "batch_idx": targets.image,
        "cls": targets.classes,
        "bboxes": targets.boxes,
        "masks": targets.masks,
    }
    answer = model.model[-1](network.features(images))
    parts, seen = model.loss(batch, answer)
    named = seen if isinstance(seen, Mapping) else dict(zip(_PARTS, seen, strict=False))
    return parts.sum() / len(images), named


class YoloLoss(nn.Module):
    """The network with its loss, as one module that DistributedDataParallel can wrap."""

    def __init__(self, network: YoloSeg) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, images: Float[Tensor, "b 3 h w"], targets: YoloTargets
    ) -> tuple[Float[Tensor, ""], Mapping[str, Tensor]]:
        """Return the loss per image, and its parts by name, detached."""
        return loss_of(self.network, images, targets)


def _of_frame(frame: Int[Tensor, "h w"]) -> tuple[Float[Tensor, "n 4"], Int[Tensor, "h4 w4"]]:
    """Return boxes and small masks of a frame's instances, in the order of their labels."""
    y, x = frame.nonzero(as_tuple=True)
    instances, owner = torch.unique(frame[y, x], return_inverse=True)
    small = interpolate(frame[None, None].double(), scale_factor=1 / PROTOTYPE_PX, mode="nearest-exact")
    own = torch.searchsorted(instances, small[0, 0].to(instances.dtype).contiguous()) + 1
    masks = torch.where(small[0, 0] > 0, own, 0)
    start = torch.stack([_each(x, owner, len(instances), "amin"), _each(y, owner, len(instances), "amin")], 1)
    end = (
        torch.stack([_each(x, owner, len(instances), "amax"), _each(y, owner, len(instances), "amax")], 1) + 1
    )
    size = torch.tensor([frame.shape[1], frame.shape[0]], device=frame.device)
    return torch.cat([(start + end) / 2 / size, (end - start) / size], dim=1).float(), masks


def _each(values: Tensor, owner: Tensor, count: int, what: str) -> Int[Tensor, " n"]:
    """Return the least or largest value of each owner."""
    none = values.new_zeros(count)
    return none.scatter_reduce(0, owner, values, what, include_self=False)
