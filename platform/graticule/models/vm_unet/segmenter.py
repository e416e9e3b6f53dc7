"""VMamba (VM-UNetV2) as a segmenter."""

from graticule.models.learned.semantic import SemanticSegmenter
from graticule.models.vm_unet import ARCHITECTURE


class Vmamba(SemanticSegmenter):
    """Segments by VM-UNetV2's foreground mask."""

    name = "vmamba"
    native_size = ARCHITECTURE.native_size
    default_view_px = ARCHITECTURE.default_view_px
