"""Options of EfficientSAM as a segmenter."""

from typing import Annotated, Literal

from pydantic import Field

from graticule.models.learned.options import Auto, LearnedOptions
from graticule.models.threshold import ThresholdOptions

Share = Annotated[float, Field(ge=0, le=1)]


class EfficientSamOptions(LearnedOptions):
    """Options of :class:`graticule.models.efficient_sam.segmenter.EfficientSam`, lengths in pixels."""

    mode: Literal["auto", "automatic", "semantic"] = "auto"
    """``automatic``: a mask for each of many prompts; ``semantic``: one foreground mask, for weights tuned
    to give it; ``auto``: what the weights were tuned for. ``probability`` counts in semantic mode only,
    what follows in automatic mode only."""
    prompts: Literal["proposals", "grid"] = "proposals"
    """``proposals``: what a cheap detector finds is asked for; ``grid``: points spread evenly."""
    points_per_side: Annotated[int, Field(ge=1, le=128)] = 16
    """Of the grid, over each view."""
    predicted_iou: Share = 0.7
    """Least intersection over union that the network must predict for a mask of its own."""
    stability: Share = 0.9
    """Least intersection over union of a mask when its level is moved."""
    chunk: Auto | Annotated[int, Field(ge=1)] = "auto"
    """Prompts at a time; memory grows with it. ``auto``: few on a CPU, whose cache they fit, more on CUDA."""
    scale_px: Auto | Annotated[float, Field(gt=0, allow_inf_nan=False)] = "auto"
    """Blob scale of the particles (radius / sqrt 2), by which proposals are found."""
    detector: ThresholdOptions = ThresholdOptions()
    """Options of the cheap detector: the threshold segmenter."""
