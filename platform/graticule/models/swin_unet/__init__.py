"""Swin-UNet: a U-shaped network of shifted-window transformers.

Source: H. Cao et al., "Swin-Unet: Unet-like pure transformer for medical image segmentation",
ECCV Workshops 2022, https://arxiv.org/abs/2105.05537; the window attention is that of Z. Liu et
al., "Swin transformer", ICCV 2021, https://arxiv.org/abs/2103.14030.
"""

from graticule.models.architecture import Architecture
from graticule.models.swin_unet.config import PUBLISHED, SwinUnetConfig
from graticule.models.swin_unet.network import SwinUnetNetwork
from graticule.models.swin_unet.published import published

ARCHITECTURE = Architecture(
    name="swin-unet",
    native_size=448,
    default_view_px=320,
    config=SwinUnetConfig,
    build=SwinUnetNetwork,
    published=published,
    licence="none stated",
    source="https://github.com/HuCaoFighting/Swin-Unet",
)

__all__ = ["ARCHITECTURE", "PUBLISHED", "SwinUnetConfig", "SwinUnetNetwork", "published"]
