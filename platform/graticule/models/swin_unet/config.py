"""The sizes of a Swin-UNet."""

from itertools import accumulate
from typing import Annotated

from pydantic import Field, model_validator

from graticule.models.architecture import NetworkConfig

Count = Annotated[int, Field(ge=1)]
Counts = Annotated[tuple[Count, ...], Field(min_length=2)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


class SwinUnetConfig(NetworkConfig):
    """Sizes of a Swin-UNet; the defaults come nearest to the network of the paper.

    Duan et al. 2024 state 3,645,600 parameters at 448 x 448, which no setting of the published
    code gives. With these defaults there are 3,855,948 (5.8 % more; 3,855,912 with one class);
    heads stay at 3 6 12 24 and depths at 2 2 2 2, as published. The next smaller choice (embed
    32, heads 2 4 8 16) has 3,046,488.
    """

    embed: Count = 36
    """Channels of the first stage; each further stage has twice as many."""
    depths: Counts = (2, 2, 2, 2)
    """Blocks of each encoder stage, the last being the bottleneck; the decoder mirrors them."""
    heads: Counts = (3, 6, 12, 24)
    """Attention heads of each stage."""
    window: Annotated[int, Field(ge=2)] = 7
    """Edge of an attention window, in tokens."""
    patch: Annotated[int, Field(ge=2)] = 4
    """Edge of the square of pixels that makes one token."""
    classes: Count = 2
    """Classes told apart, class 0 being background; a single one is foreground."""
    distance: bool = False
    """Whether one more channel says how far inside its particle a pixel lies."""
    drop_path: Share = 0.1
    """Chance that training skips the last block for a sample; falls linearly to 0 at the first."""

    @property
    def stage_dims(self) -> tuple[int, ...]:
        """Channels of each stage."""
        return tuple(self.embed * 2**stage for stage in range(len(self.depths)))

    @property
    def multiple(self) -> int:
        """Both edges of an image must be multiples of this, in pixels."""
        return int(self.patch * self.window * 2 ** (len(self.depths) - 1))

    @property
    def drop_rates(self) -> tuple[tuple[float, ...], ...]:
        """Chance to skip each block, by stage; a decoder stage has those of its mirror image."""
        last = max(sum(self.depths) - 1, 1)
        rates = [self.drop_path * block / last for block in range(sum(self.depths))]
        ends = list(accumulate(self.depths))
        return tuple(tuple(rates[end - depth : end]) for end, depth in zip(ends, self.depths, strict=True))

    @model_validator(mode="after")
    def _heads_share_the_channels(self) -> "SwinUnetConfig":
        if len(self.heads) != len(self.depths):
            raise ValueError(f"heads and depths need one entry per stage, got {self.heads} and {self.depths}")
        if any(dim % heads for dim, heads in zip(self.stage_dims, self.heads, strict=True)):
            raise ValueError(f"the heads {self.heads} must divide the channels {self.stage_dims}")
        if self.embed * 2 % 4:
            raise ValueError(f"embed must be even, got {self.embed}")
        return self


PUBLISHED = SwinUnetConfig(embed=96)
"""The default sizes of the published code: 27,168,228 parameters at two classes."""
