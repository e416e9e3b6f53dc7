"""EfficientSAM: a small vision transformer, and a decoder that answers points and boxes with masks."""

from graticule.models.architecture import Architecture
from graticule.models.efficient_sam.config import EfficientSamConfig
from graticule.models.efficient_sam.network import Candidates, Chunk, EfficientSamNetwork
from graticule.models.efficient_sam.published import published

ARCHITECTURE = Architecture(
    name="efficient-sam-ti",
    native_size=1024,
    default_view_px=672,
    config=EfficientSamConfig,
    build=EfficientSamNetwork,
    published=published,
    licence="Apache-2.0",
    source="https://github.com/yformer/EfficientSAM",
)

__all__ = ["ARCHITECTURE", "Candidates", "Chunk", "EfficientSamConfig", "EfficientSamNetwork"]
