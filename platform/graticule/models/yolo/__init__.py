"""YOLOv8n-seg through ultralytics, an extra under AGPL-3.0."""

from graticule.models.architecture import Architecture
from graticule.models.yolo.framing import NATIVE_PX, VIEW_PX
from graticule.models.yolo.network import YoloConfig, YoloSeg
from graticule.models.yolo.published import convert_pickle, published

ARCHITECTURE = Architecture(
    name="yolov8n-seg",
    native_size=NATIVE_PX,
    default_view_px=VIEW_PX,
    config=YoloConfig,
    build=YoloSeg,
    published=published,
    licence="AGPL-3.0-only",
    source="https://docs.ultralytics.com/models/yolov8 (Jocher 2023)",
)

__all__ = ["ARCHITECTURE", "YoloConfig", "YoloSeg", "convert_pickle", "published"]
