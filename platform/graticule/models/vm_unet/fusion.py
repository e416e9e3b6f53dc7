"""Infuse every scale with all the others: semantics and detail infusion (SDI).

Source: Y. Peng et al., U-Net v2, arXiv:2311.17791.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from graticule.models.vm_unet.attention import Attention

SCALES = 4


class Bridge(nn.Module):
    """From an encoder's feature to one with the decoder's channels."""

    def __init__(self, channels: int, mid: int) -> None:
        super().__init__()
        self.attention = Attention(channels)
        self.project = nn.Conv2d(channels, mid, 1, bias=False)
        self.norm = nn.BatchNorm2d(mid)

    def forward(self, feature: Float[Tensor, "b c h w"]) -> Float[Tensor, "b m h w"]:
        """Return the feature for the decoder."""
        bridged: Tensor = self.norm(self.project(self.attention(feature)))
        return bridged


class Infusion(nn.Module):
    """The product of all scales, each resized to one of them and convolved.

    The factors start around 1: around 0, as convolutions do, four of them multiply to nothing,
    and training has to find its way out first.
    """

    def __init__(self, mid: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(_around_one(mid) for _ in range(SCALES))

    def forward(self, features: Sequence[Float[Tensor, "b m _ _"]], scale: int) -> Float[Tensor, "b m h w"]:
        """Return the product at the size of ``features[scale]``."""
        height, width = features[scale].shape[2:]
        factors = [
            convolve(resized(feature, height, width))
            for convolve, feature in zip(self.convolutions, features, strict=True)
        ]
        infused: Tensor = factors[0] * factors[1] * factors[2] * factors[3]
        return infused


def _around_one(mid: int) -> nn.Conv2d:
    convolve = nn.Conv2d(mid, mid, 3, padding=1)
    if convolve.bias is not None:
        nn.init.ones_(convolve.bias)
    return convolve


def resized(
    feature: Float[Tensor, "b m _ _"], height: int, width: int
) -> Float[Tensor, "b m {height} {width}"]:
    """Return the feature averaged down, or drawn out bilinearly from corner to corner."""
    ratio = feature.shape[2] // height
    if ratio > 1:
        return avg_pool2d(feature, ratio)
    if feature.shape[2] == height:
        return feature
    drawn_out: Tensor = interpolate(feature, (height, width), mode="bilinear", align_corners=True)
    return drawn_out


class Fusion(nn.Module):
    """Bridges from the encoder, and an infusion at each scale."""

    def __init__(self, dims: Sequence[int], mid: int) -> None:
        super().__init__()
        self.bridges = nn.ModuleList(Bridge(channels, mid) for channels in dims)
        self.infusions = nn.ModuleList(Infusion(mid) for _ in dims)

    def forward(self, features: Sequence[Float[Tensor, "b _ _ _"]]) -> list[Float[Tensor, "b m _ _"]]:
        """Return a feature per scale, the finest first."""
        bridged = [bridge(feature) for bridge, feature in zip(self.bridges, features, strict=True)]
        return [infuse(bridged, scale) for scale, infuse in enumerate(self.infusions)]
