"""DeAOT: a network that carries the identities of many objects from frame to frame."""

from graticule.models.architecture import Architecture
from graticule.tracking.deaot.config import DeAOTConfig
from graticule.tracking.deaot.network import DeAOT
from graticule.tracking.deaot.published import published

ARCHITECTURE = Architecture(
    name="deaot-t",
    native_size=465,
    default_view_px=465,
    config=DeAOTConfig,
    build=DeAOT,
    published=published,
    licence="BSD-3-Clause",
    source="arXiv:2210.09782, https://github.com/yoxu515/aot-benchmark",
)

__all__ = ["ARCHITECTURE", "DeAOT", "DeAOTConfig"]
