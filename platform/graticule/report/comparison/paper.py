"""The table of the paper that graticule comes from, beside which ours is put.

Source: Duan et al. 2024, Deep Learning Applications in Microscopy: Segmentation and Tracking,
Elemental Microscopy, doi 10.69761/HDTA8338.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperRow:
    """One network as the paper measured it, on a GPU that it does not name."""

    name: str
    ours: str
    resolution_px: int
    parameters: int
    images_per_s: float
    memory_mb: int
    iou: float
    dice: float


PAPER = (
    PaperRow(
        name="YOLOv8n-seg", ours="yolov8n-seg", resolution_px=512, parameters=3_409_968,
        images_per_s=80.19, memory_mb=1513, iou=0.93324, dice=0.96546,
    ),
    PaperRow(
        name="Swin-UNet", ours="swin-unet", resolution_px=448, parameters=3_645_600,
        images_per_s=64.89, memory_mb=1793, iou=0.96495, dice=0.98216,
    ),
    PaperRow(
        name="VMamba", ours="vmamba", resolution_px=512, parameters=3_145_179,
        images_per_s=16.41, memory_mb=1823, iou=0.99449, dice=0.99723,
    ),
    PaperRow(
        name="EfficientSAM-tiny", ours="efficient-sam-ti", resolution_px=1024, parameters=10_185_380,
        images_per_s=17.94, memory_mb=1827, iou=0.99672, dice=0.99836,
    ),
)  # fmt: skip

LABELS_FOLLOW_A_THRESHOLD = (
    "The paper's masks follow a threshold almost to the pixel: a Gaussian blur of 5 px and Otsu's level"
    " score IoU 0.998 on its test images, above each of its networks (threshold in the tables chooses its"
    " blur by itself, without labels). So its images measure agreement with its"
    " labels, and cannot show that a network is better than a threshold; sets where a threshold fails decide."
)


def follows_a_threshold(name: str) -> bool:
    """Whether a data set's name says that it is the paper's, for test or training."""
    return "em4" in name.replace("\\", "/").split("/")
