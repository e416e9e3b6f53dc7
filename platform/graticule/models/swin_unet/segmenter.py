"""Swin-UNet as a segmenter."""

from graticule.models.learned.semantic import SemanticSegmenter
from graticule.models.swin_unet import ARCHITECTURE


class SwinUnet(SemanticSegmenter):
    """Segments by Swin-UNet's foreground mask."""

    name = "swin-unet"
    native_size = ARCHITECTURE.native_size
    default_view_px = ARCHITECTURE.default_view_px
