"""Sizes of an EfficientSAM."""

from typing import Annotated

from pydantic import Field, model_validator

from graticule.models.architecture import NetworkConfig

Count = Annotated[int, Field(ge=1)]


class EfficientSamConfig(NetworkConfig):
    """The defaults are EfficientSAM-Ti; width 384 and 6 heads are EfficientSAM-S."""

    width: Count = 192
    """Channels of the encoder, a multiple of ``heads``."""
    depth: Count = 12
    """Blocks of the encoder."""
    heads: Count = 3
    semantic: bool = False
    """Which parameters can be trained: those of ``foreground``, or those of ``forward``."""
    distance: bool = False
    """Whether ``foreground`` also tells the centre distance."""

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "EfficientSamConfig":
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads, got {self.width} and {self.heads}")
        return self
