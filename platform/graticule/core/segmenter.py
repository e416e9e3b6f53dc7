"""What turns pixels into instances."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Num, UInt32

from graticule.core.window import Box

Statistics = Mapping[str, float]
"""Numbers a segmenter measures once per frame (threshold level, normalisation).

Plain floats by name, so that they can be stored beside the result. ``empty`` = 1 marks
a frame to be segmented as empty: not finite, or without any contrast.
"""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Patch:
    """Pixels of one window, margin included.

    ``trusted`` is the part, in patch coordinates, whose neighbourhood is complete;
    what a segmenter says outside of it is ignored.
    """

    pixels: Num[np.ndarray, "t y x"]
    trusted: Box


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Segmentation:
    """Answer for a patch: instance labels (0 is background) and foreground probability.

    Labels are local to each frame of the patch and 0 outside the trusted box.
    """

    labels: UInt32[np.ndarray, "t y x"]
    foreground: Float32[np.ndarray, "t y x"]


class Segmenter(ABC):
    """Finds particles in frames, a window at a time.

    The answer for a window depends on its pixels and the frame statistics alone, never
    on other windows, the order of work, or the machine.
    """

    name: str
    context: int
    """Pixels at a cut edge that cannot be trusted: filter radius or receptive field."""
    margin: int
    """Trusted pixels needed around what is written: the answer does not depend on the
    tiling for particles no wider than this."""

    native_size: int | None = None
    """Edge in pixels of the square that a network was made for; ``None`` if any size will do."""

    keeps_state: bool = False
    """Whether it holds something dear (weights) that a worker should load once and keep."""

    memory_bytes: int = 0
    """Main memory that a worker needs to run it, where that is more than a few frames."""

    @abstractmethod
    def measure(self, frame: Num[np.ndarray, "y x"]) -> Statistics:
        """Return what :meth:`segment` must know of a whole frame."""

    @abstractmethod
    def segment(self, patch: Patch, statistics: Sequence[Statistics]) -> Segmentation:
        """Segment a patch, given the statistics of each of its frames."""
