"""VM-UNetV2, which the paper calls VMamba."""

from graticule.models.architecture import Architecture
from graticule.models.vm_unet.config import PUBLISHED, VmUnetConfig
from graticule.models.vm_unet.network import VmUnet
from graticule.models.vm_unet.published import from_published

ARCHITECTURE = Architecture(
    name="vmamba",
    native_size=512,
    default_view_px=320,
    config=VmUnetConfig,
    build=VmUnet,
    published=from_published,
    licence="none stated",
    source="arXiv:2403.09157, https://github.com/nobodyplayer1/VM-UNetV2",
)

__all__ = ["ARCHITECTURE", "PUBLISHED", "VmUnet", "VmUnetConfig"]
