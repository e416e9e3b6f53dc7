"""Ask an embedded view for masks, some prompts at a time."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from graticule.models.efficient_sam.automatic.candidate import Candidate
from graticule.models.efficient_sam.automatic.prompts import Prompts
from graticule.models.efficient_sam.automatic.select import Criteria, Scene, chosen
from graticule.models.efficient_sam.network import Chunk

STRIDE = 4
"""Pixels of the network's input from one lattice point to the next."""


@runtime_checkable
class Promptable(Protocol):
    """What is asked of the network (:class:`graticule.models.efficient_sam.network.EfficientSamNetwork`)."""

    def candidates(
        self,
        embedding: Float[Tensor, "1 c y x"],
        points: Float[Tensor, "1 q p 2"],
        labels: Int[Tensor, "1 q p"],
        *,
        image_size: tuple[int, int] | None = None,
        chunk: int = 4,
        least_iou: float = float("-inf"),
    ) -> Iterator[Chunk]:
        """Yield the masks whose predicted IoU is no less than ``least_iou``."""
        ...


def ask(
    network: Promptable,
    embedding: Float[Tensor, "1 c y x"],
    prompts: Prompts,
    scene: Scene,
    criteria: Criteria,
    *,
    chunk: int,
) -> Iterator[Candidate]:
    """Yield the candidates of a view, up to three for each prompt.

    Args:
        network: On the embedding's device.
        embedding: Of the view.
        prompts: In patch pixels.
        scene: The view.
        criteria: What is asked of a mask.
        chunk: Prompts at a time; the memory needed grows with it.
    """
    points, labels = tensors(prompts, scene, embedding.device)
    edge = STRIDE * scene.lattice.size
    found = network.candidates(
        embedding, points, labels, image_size=(edge, edge), chunk=chunk, least_iou=criteria.predicted_iou
    )
    for part in found:
        yield from chosen(part, prompts, scene, criteria)


def tensors(
    prompts: Prompts, scene: Scene, device: torch.device
) -> tuple[Float[Tensor, "1 q p 2"], Int[Tensor, "1 q p"]]:
    """Return prompts as the network takes them: x, y in pixels of its input, and labels."""
    points = torch.from_numpy(prompts.in_view(scene.lattice, STRIDE * scene.lattice.size))[None]
    labels = torch.tensor(prompts.labels).expand(1, len(prompts), -1)
    return points.to(device), labels.to(device)
