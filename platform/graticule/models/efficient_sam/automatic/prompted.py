"""Masks on demand: an image is embedded once, then asked with a user's points and boxes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from graticule.core.errors import ConfigError
from graticule.models.efficient_sam.automatic.ask import STRIDE, Promptable, tensors
from graticule.models.efficient_sam.automatic.candidate import Candidate, Lattice
from graticule.models.efficient_sam.automatic.paint import full_size
from graticule.models.efficient_sam.automatic.prompts import BOX_END, BOX_START, POINT, Prompts
from graticule.models.efficient_sam.automatic.select import Scene, cut_out
from graticule.models.efficient_sam.network import Chunk

Number = float | int
Point = tuple[Number, Number]
"""y, x in image pixels, pixel centres at integers."""
BoxPrompt = tuple[Number, Number, Number, Number]
"""y0, x0, y1, x1: the centres of the first and the last pixel within."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Embedded:
    """An image as the network remembers it; can be kept and asked again and again.

    Attributes:
        features: The embedding (1 c y x), float32 on the CPU.
        scene: The image as a single view.
        shape: Height and width of the image, in pixels.
    """

    features: Float[Tensor, "1 c y x"]
    scene: Scene
    shape: tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PromptedMask:
    """The answer to one prompt: a mask in image pixels, and the IoU the network predicts for it."""

    mask: Bool[np.ndarray, "y x"]
    score: float


def single_scene(shape: tuple[int, int], *, edge: int, native: int) -> Scene:
    """Return the view of ``edge`` pixels that shows all of an image."""
    size = native // STRIDE
    lattice = Lattice(top=0, left=0, step=edge / size, size=size)
    return Scene(lattice=lattice, grey=np.zeros((size, size), np.float32), cuts=(False,) * 4)


def check_prompts(shape: tuple[int, ...], points: Sequence[Point], boxes: Sequence[BoxPrompt]) -> None:
    """Refuse prompts that cannot be meant.

    Raises:
        ConfigError: If one lies outside of an image of ``shape``, or a box is inside out.
    """
    height, width = shape
    for y, x in [*points, *((y, x) for box in boxes for y, x in (box[:2], box[2:]))]:
        if not (0 <= y <= height - 1 and 0 <= x <= width - 1):
            raise ConfigError(
                f"prompt at y, x = {y:g}, {x:g} lies outside of the image of {height} x {width} pixels"
            )
    for y0, x0, y1, x1 in boxes:
        if y0 > y1 or x0 > x1:
            raise ConfigError(f"box {y0:g}, {x0:g}, {y1:g}, {x1:g} is inside out; give y0, x0, y1, x1")


def masks_at(
    network: Promptable,
    image: Embedded,
    *,
    points: Sequence[Point],
    boxes: Sequence[BoxPrompt],
    outside: Sequence[Point] = (),
    device: torch.device,
    chunk: int,
) -> list[PromptedMask]:
    """Return a mask for each point, then for each box: the one the network trusts most.

    Of those that hold no point of ``outside``; a mask without pixels where all do.
    """
    asked = [Prompts(
        points=np.array(points, np.float32).reshape(-1, 1, 2),
        labels=(POINT,),
        order=np.arange(len(points)),
    ), Prompts(
        points=_corners(boxes),
        labels=(BOX_START, BOX_END),
        order=np.arange(len(boxes)),
    )]  # fmt: skip
    features = image.features.to(device)
    answers = [
        _answers(network, features, prompts, image, outside, chunk) for prompts in asked if len(prompts)
    ]
    return [mask for some in answers for mask in some]


def _answers(
    network: Promptable,
    features: Tensor,
    prompts: Prompts,
    image: Embedded,
    outside: Sequence[Point],
    chunk: int,
) -> list[PromptedMask]:
    points, labels = tensors(prompts, image.scene, features.device)
    edge = STRIDE * image.scene.lattice.size
    seeds = _seeds(prompts, image.scene.lattice)
    out: list[PromptedMask] = []
    for part in network.candidates(features, points, labels, image_size=(edge, edge), chunk=chunk):
        for query, ranked in _ranked(part).items():
            for k in ranked:
                score = float(part.iou[k])
                logits = part.logits[k].float()
                found = cut_out(logits, score=score, order=query, at=seeds[query], scene=image.scene)
                mask = _whole(found, image.shape)
                if not any(mask[round(y), round(x)] for y, x in outside):
                    break
            else:
                mask, score = np.zeros(image.shape, bool), 0.0
            out.append(PromptedMask(mask=mask, score=score))
    return out


def _ranked(part: Chunk) -> dict[int, list[int]]:
    """Return for each prompt the indices of its masks, the highest predicted IoU first."""
    ranked: dict[int, list[int]] = {}
    iou = part.iou.tolist()
    for k, query in enumerate(part.query.tolist()):
        ranked.setdefault(query, []).append(k)
    return {query: sorted(some, key=lambda k: -iou[k]) for query, some in ranked.items()}


def _seeds(prompts: Prompts, lattice: Lattice) -> np.ndarray:
    """Return the middle of each prompt on the lattice: the point itself, or the box's centre."""
    middle = prompts.points.mean(axis=1, keepdims=True)
    return Prompts(points=middle, labels=(POINT,), order=prompts.order).on_lattice(lattice)


def _whole(candidate: Candidate, shape: tuple[int, int]) -> Bool[np.ndarray, "y x"]:
    out = np.zeros(shape, bool)
    box, _, body = full_size(candidate, shape)
    out[box] = body
    return out


def _corners(boxes: Sequence[BoxPrompt]) -> Float32[np.ndarray, "n 2 2"]:
    """Return the outer corners of boxes given by the centres of their corner pixels."""
    corners = np.array(boxes, np.float32).reshape(-1, 2, 2)
    return corners + np.array([[-0.5], [0.5]], np.float32)
