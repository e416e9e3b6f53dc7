"""Resize square views to the size a network was made for, and its answers back."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate


def zoomed(images: Float[Tensor, "b c h h"], edge: int) -> Float[Tensor, "b c e e"]:
    """Return ``images`` with ``edge`` rows and columns, bilinear, antialiased where they shrink."""
    now = images.shape[-1]
    if now == edge:
        return images
    size = (edge, edge)
    return interpolate(images, size, mode="bilinear", align_corners=False, antialias=edge < now)
