"""The sizes of a DeAOT, and the published variants by name."""

from typing import Annotated, Literal

from pydantic import Field

from graticule.models.architecture import NetworkConfig

Count = Annotated[int, Field(ge=1)]
EMBED = 256
"""Channels of either branch."""
ATTENTION = 128
"""Channels of queries and keys."""
VALUES = 512
"""Channels of either branch's values."""
STRIDE = 16
"""Pixels per token; images have edges of a multiple of it, and one more."""
REACH = 7
"""Tokens on every side that the short-term attention sees."""


class DeAOTConfig(NetworkConfig):
    """Sizes of a DeAOT; the defaults are those of DeAOT-T.

    Source: Z. Yang and Y. Yang 2022, Decoupling Features in Hierarchical Propagation for Video
    Object Segmentation, arXiv 2210.09782.
    """

    encoder: Literal["mobilenet_v2", "resnet50"] = "mobilenet_v2"
    layers: Count = 1
    """Gated propagation layers."""
    slots: Count = 10
    """Objects told apart in one pass, background left out."""


VARIANTS = {
    "deaot-t": DeAOTConfig(),
    "deaot-s": DeAOTConfig(layers=2),
    "deaot-b": DeAOTConfig(layers=3),
    "deaot-l": DeAOTConfig(layers=3),
    "r50-deaot-l": DeAOTConfig(encoder="resnet50", layers=3),
}
"""The published variants; B and L differ in how often a frame is added to the long-term memory."""
