"""Options of the segmenter with YOLOv8n-seg."""

from typing import Annotated

from pydantic import Field

from graticule.models.learned.options import LearnedOptions


class YoloOptions(LearnedOptions):
    """Options of :class:`graticule.models.yolo.segmenter.Yolo`, lengths in pixels of the movie.

    ``view_px`` only sets the scale here: the network sees the whole patch, enlarged by
    512 / ``view_px``. ``split`` false: touching particles are joined again.
    """

    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Least score of a detection."""
    overlap: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Of two detections whose boxes have a larger intersection over union the likelier is kept."""
