"""What a network is trained on at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, Int32
from torch import Tensor

from graticule.training.sequences.clip import Clip, ClipBatch


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Crop:
    """A square of an example, scaled and augmented.

    Attributes:
        image: Grey levels in 0..1, particles dark.
        labels: Instances, 1 … n without gaps.
        distance: From a pixel to its particle's outline over the largest in that particle
            (:class:`graticule.models.learned.output.SemanticOutput`).
        parted: Whether touching particles have labels of their own; if not, ``distance`` is 0.
    """

    image: Float32[np.ndarray, "e e"]
    labels: Int32[np.ndarray, "e e"]
    distance: Float32[np.ndarray, "e e"]
    parted: bool


class Batch(NamedTuple):
    """Crops side by side, as tensors."""

    images: Float[Tensor, "b 1 e e"]
    labels: Int[Tensor, "b e e"]
    distance: Float[Tensor, "b 1 e e"]
    parted: Bool[Tensor, " b"]

    @classmethod
    def of(cls, crops: Sequence[Crop]) -> "Batch":
        """Return crops of one size as a batch."""
        return cls(
            images=torch.from_numpy(np.stack([crop.image for crop in crops])[:, None]),
            labels=torch.from_numpy(np.stack([crop.labels for crop in crops])).long(),
            distance=torch.from_numpy(np.stack([crop.distance for crop in crops])[:, None]),
            parted=torch.tensor([crop.parted for crop in crops]),
        )

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        return Batch(*(part.to(device, non_blocking=True) for part in self))

    @property
    def colour(self) -> Float[Tensor, "b 3 e e"]:
        """The images as networks take them: grey in all three channels."""
        return self.images.expand(-1, 3, -1, -1)


AnyBatch = Batch | ClipBatch
"""Images for a segmenter, or clips for a tracker."""


def gathered(made: Sequence[Crop] | Sequence[Clip]) -> AnyBatch:
    """Return crops, or clips, of one size as a batch."""
    kind: Any = ClipBatch if isinstance(made[0], Clip) else Batch
    batch: AnyBatch = kind.of(made)
    return batch


def put_together(parts: Mapping[str, Tensor]) -> AnyBatch:
    """Return the batch that has these parts."""
    kind: Any = next(kind for kind in (Batch, ClipBatch) if parts.keys() == set(kind._fields))
    batch: AnyBatch = kind(**parts)
    return batch
