"""From the fused features up to the image: a chain of transposed convolutions and its heads.

Source: VM-UNetV2, arXiv:2403.09157, Fig. 1, with deep supervision.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate


class Decoder(nn.Module):
    """Doubles the coarsest feature's size three times, and adds the finer ones on the way."""

    def __init__(self, mid: int) -> None:
        super().__init__()
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(mid, mid, 4, stride=2, padding=1, bias=False) for _ in range(3)
        )

    def forward(
        self, features: Sequence[Float[Tensor, "b m _ _"]]
    ) -> tuple[Float[Tensor, "b m h w"], Float[Tensor, "b m h/2 w/2"]]:
        """Return the last two decoded features: at 1/4 and at 1/8 of the image."""
        *finer, decoded = features
        steps = [decoded]
        for enlarge, feature in zip(self.enlarge, reversed(finer), strict=True):
            steps.append(enlarge(steps[-1]) + feature)
        return steps[-1], steps[-2]


class Head(nn.Module):
    """One number per pixel of the image, from both decoded features."""

    def __init__(self, mid: int) -> None:
        super().__init__()
        self.fine = nn.Conv2d(mid, 1, 1)
        self.coarse = nn.Conv2d(mid, 1, 1)
        self.refine = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1)

    def forward(
        self, fine: Float[Tensor, "b m h w"], coarse: Float[Tensor, "b m h/2 w/2"]
    ) -> Float[Tensor, "b 1 4*h 4*w"]:
        """Return it, given the features at 1/4 and at 1/8 of the image."""
        told: Tensor = _four_times(self.fine(fine)) + self.refine(_four_times(self.coarse(coarse)))
        return told


def _four_times(feature: Tensor) -> Tensor:
    enlarged: Tensor = interpolate(feature, scale_factor=4.0, mode="bilinear", align_corners=False)
    return enlarged
