"""Tokens and image features -> logits of background and slots, at stride 4."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from graticule.tracking.deaot.config import EMBED
from graticule.tracking.deaot.encoder import Maps


class NormedConv(nn.Module):
    """A convolution, then group normalisation."""

    def __init__(self, before: int, after: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, padding=kernel // 2)
        self.norm = nn.GroupNorm(8, after)

    def forward(self, map_: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Return the map, rectified."""
        return relu(self.norm(self.conv(map_)))


class Decoder(nn.Module):
    """A feature pyramid (Lin et al. 2017) from stride 16 over 8 to 4."""

    def __init__(self, dims: tuple[int, int, int, int], *, slots: int) -> None:
        super().__init__()
        half = EMBED // 2
        self.start = NormedConv(2 * EMBED, EMBED, 1)
        self.blocks = nn.ModuleList(
            NormedConv(before, after, 3) for before, after in ((EMBED, EMBED), (EMBED, half), (half, half))
        )
        self.adapters = nn.ModuleList(
            nn.Conv2d(before, after, 1)
            for before, after in zip(dims[2::-1], (EMBED, EMBED, half), strict=True)
        )
        self.logits = nn.Conv2d(half, slots + 1, 1)

    def forward(self, tokens: Float[Tensor, "b c h w"], maps: Maps) -> Float[Tensor, "b s h4 w4"]:
        """Return logits; channel 0 is background."""
        x = self.start(tokens)
        for block, adapter, map_ in zip(
            self.blocks, self.adapters, (maps.at_16, maps.at_8, maps.at_4), strict=True
        ):
            x = interpolate(x, size=map_.shape[-2:], mode="bilinear", align_corners=True)
            x = block(adapter(map_) + x)
        decoded: Tensor = self.logits(x)
        return decoded
