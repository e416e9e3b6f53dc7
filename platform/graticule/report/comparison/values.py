"""What a comparison is made of, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Integer

METRICS = {
    "iou": "IoU",
    "dice": "Dice",
    "ap50": "AP50",
    "pq": "PQ",
    "boundary_f1": "boundary F1",
    "count_error": "count error",
}
"""Metric -> its heading, in the order of the table."""
INSTANCE_METRICS = ("ap50", "pq", "count_error")
"""Metrics that mean nothing where touching particles share a label."""
LESS_IS_BETTER = ("count_error",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mean:
    """A mean over images with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """How fast an entrant was on one data set: medians over its images."""

    images_per_s: float
    pixels_per_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One entrant on one data set, or on all of them.

    Attributes:
        name: The entrant's.
        resolution_px: Edge of the square its network sees; ``None`` if any size will do.
        parameters: Of its network; 0 without one.
        speed: ``None`` where there is none.
        memory_bytes: That it took above what the process held before.
        means: By metric; a metric is missing where it means nothing.
        differences: To ``threshold``, image by image; empty for itself.
        trouble: Why there are no figures.
    """

    name: str
    resolution_px: int | None = None
    parameters: int | None = None
    speed: Speed | None = None
    memory_bytes: int | None = None
    means: Mapping[str, Mean] = field(default_factory=dict)
    differences: Mapping[str, Mean] = field(default_factory=dict)
    trouble: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Panel:
    """One image with its truth and what each entrant made of it; 0 is background."""

    title: str
    image: Float[np.ndarray, "y x"]
    truth: Integer[np.ndarray, "y x"]
    answers: Sequence[tuple[str, Integer[np.ndarray, "y x"], str]]
    """Entrant, its labels, and its score in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """One set of labelled images and how everyone did on it."""

    name: str
    images: int
    parted: int
    """Images whose touching particles have labels of their own."""
    rows: Sequence[Row]
    panels: Sequence[Panel] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """How a network learnt: values by epoch, all of one length; a series may be missing."""

    name: str
    epochs: Sequence[int]
    series: Mapping[str, Sequence[float]]
    """Among ``loss``, ``test loss``, ``iou``, ``dice``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Everything that the page shows."""

    datasets: Sequence[Dataset]
    overall: Sequence[Row]
    """Means over data sets; empty for a single one."""
    rule: str
    verdict: str
    curves: Sequence[Curve] = ()
    paper_curves: Sequence[Curve] = ()
    memory: str = "resident memory"
    machine: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
