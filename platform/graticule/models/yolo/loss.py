"""Training targets and loss of YOLOv8n-seg, for a training loop of our own.

``YOLO.train()`` is never used: inside a Ray worker it scales the loss by a world size of its
own, or leaves gradients unsynchronised without a word.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from graticule.models.yolo.library import segmentation_loss
from graticule.models.yolo.network import PROTOTYPE_PX, YoloSeg

_TURNS = PROTOTYPE_PX + 1, 2 * (PROTOTYPE_PX + 1)
_ALWAYS = [pixel for pixel in range(PROTOTYPE_PX**2) if pixel not in _TURNS]
"""Pixels of a cell: those that count in every other one, and in all."""
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
    if getattr(getattr(model, "criterion", None), "device", None) != images.device:
        model.criterion = segmentation_loss(model, mask_loss)
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


def mask_loss(
    truth: Float[Tensor, "n h w"],
    coefficients: Float[Tensor, "n m"],
    prototypes: Float[Tensor, "m h w"],
    boxes: Float[Tensor, "n 4"],
    _: Float[Tensor, " n"],
) -> Float[Tensor, ""]:
    """Return the sum over instances of the mean cross-entropy in their boxes and a cell around them.

    The library's own asks only about cells whose upper left corner lies in the box: masks then
    reach beyond its upper and left edges, where nobody tells them not to.

    Args:
        truth: 1 inside of the instance.
        coefficients: Of the prototypes.
        prototypes: Of the image.
        boxes: x0, y0, x1, y1 in cells of the prototypes.
    """
    logits = torch.einsum("nm,mhw->nhw", coefficients, prototypes)
    loss = binary_cross_entropy_with_logits(logits, truth, reduction="none")
    x0, y0, x1, y1 = boxes[:, :, None].unbind(1)
    x, y = (torch.arange(length, device=loss.device) for length in (loss.shape[2], loss.shape[1]))
    columns, rows = (x + 2 > x0) & (x - 1 < x1), (y + 2 > y0) & (y - 1 < y1)
    near = rows[:, :, None] & columns[:, None, :]
    return ((loss * near).sum(dim=(1, 2)) / near.sum(dim=(1, 2))).sum()


def _cells(frame: Int[Tensor, "h w"]) -> Int[Tensor, "h4 w4"]:
    """Return the commonest label in each cell of the prototypes.

    One pixel of each is left out, so that two halves do not tie; in every other cell another one,
    so that outlines are not shifted.
    """
    height, width = (length // PROTOTYPE_PX for length in frame.shape)
    cells = frame[: height * PROTOTYPE_PX, : width * PROTOTYPE_PX]
    cells = cells.reshape(height, PROTOTYPE_PX, width, PROTOTYPE_PX).transpose(1, 2).flatten(2)
    row, column = (torch.arange(length, device=frame.device) for length in (height, width))
    other = (row[:, None] + column) % 2 == 1
    one = torch.where(other, cells[:, :, _TURNS[0]], cells[:, :, _TURNS[1]])
    commonest: Tensor = torch.cat([cells[:, :, _ALWAYS], one[:, :, None]], dim=2).mode(dim=2).values
    return commonest


def _of_frame(frame: Int[Tensor, "h w"]) -> tuple[Float[Tensor, "n 4"], Int[Tensor, "h4 w4"]]:
    """Return boxes and small masks of a frame's instances, in the order of their labels."""
    y, x = frame.nonzero(as_tuple=True)
    instances, owner = torch.unique(frame[y, x], return_inverse=True)
    small = _cells(frame)
    masks = torch.where(small > 0, torch.searchsorted(instances, small.contiguous()) + 1, 0)
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
