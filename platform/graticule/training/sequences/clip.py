"""What a tracker is trained on: a few frames side by side, with the slots of what they show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Clip:
    """A square of a movie, scaled and augmented; see :class:`graticule.training.sequences.known.Known`."""

    frames: Float32[np.ndarray, "t e e"]
    given: UInt8[np.ndarray, "t e e"]
    target: UInt8[np.ndarray, "t e e"]


class ClipBatch(NamedTuple):
    """Clips side by side, as tensors."""

    frames: Float[Tensor, "b t e e"]
    given: UInt8[Tensor, "b t e e"]
    target: UInt8[Tensor, "b t e e"]

    @classmethod
    def of(cls, clips: Sequence[Clip]) -> "ClipBatch":
        """Return clips of one size and length as a batch."""
        return cls(
            *(
                torch.from_numpy(np.stack([getattr(clip, name) for clip in clips]))
                for name in ("frames", "given", "target")
            )
        )

    def to(self, device: torch.device) -> "ClipBatch":
        """Return the batch on a device."""
        return ClipBatch(*(part.to(device, non_blocking=True) for part in self))
