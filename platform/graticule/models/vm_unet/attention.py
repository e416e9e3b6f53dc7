"""CBAM: weigh a feature's channels, then its places.

Source: S. Woo et al., CBAM: Convolutional Block Attention Module, arXiv:1807.06521.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

RATIO = 16
REACH = 7


class ChannelAttention(nn.Module):
    """A weight in 0..1 per channel, from its mean and its maximum over the image."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // RATIO)
        self.squeeze = nn.Conv2d(channels, hidden, 1, bias=False)
        self.expand = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, feature: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c 1 1"]:
        """Return the weights."""
        mean, most = feature.mean((2, 3), keepdim=True), feature.amax((2, 3), keepdim=True)
        return torch.sigmoid(self._weigh(mean) + self._weigh(most))

    def _weigh(self, summary: Tensor) -> Tensor:
        weighed: Tensor = self.expand(nn.functional.relu(self.squeeze(summary)))
        return weighed


class SpatialAttention(nn.Module):
    """A weight in 0..1 per pixel, from mean and maximum over the channels in 7 x 7 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(2, 1, REACH, padding=REACH // 2, bias=False)

    def forward(self, feature: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 h w"]:
        """Return the weights."""
        mean, most = feature.mean(1, keepdim=True), feature.amax(1, keepdim=True)
        return torch.sigmoid(self.weigh(torch.cat((mean, most), dim=1)))


class Attention(nn.Module):
    """Both, one after the other."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channel = ChannelAttention(channels)
        self.spatial = SpatialAttention()

    def forward(self, feature: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return the weighed feature."""
        weighed = feature * self.channel(feature)
        attended: Tensor = weighed * self.spatial(weighed)
        return attended
