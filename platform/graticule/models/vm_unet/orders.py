"""Read an image as four sequences, and lay four sequences back on the image.

The orders: along rows, along columns, and both from the end.
Source: VMamba, arXiv:2401.10166, "cross-scan" and "cross-merge".
"""

import torch
from jaxtyping import Float
from torch import Tensor

ORDERS = 4


def unroll(image: Float[Tensor, "b d h w"]) -> Float[Tensor, "b 4 d length"]:
    """Return the image's pixels in the four orders, ``length = h w``."""
    rows = image.flatten(2)
    columns = image.transpose(2, 3).flatten(2)
    forth = torch.stack((rows, columns), dim=1)
    return torch.cat((forth, forth.flip(-1)), dim=1)


def roll_up(sequences: Float[Tensor, "b 4 d length"], height: int) -> Float[Tensor, "b d {height} w"]:
    """Return the sum over the four orders of what lies at each pixel of an image ``height`` high."""
    forth, back = sequences.chunk(2, dim=1)
    rows, columns = (forth + back.flip(-1)).unbind(dim=1)
    batch, channels, _ = rows.shape
    upright = columns.view(batch, channels, -1, height).transpose(2, 3)
    return rows.view(batch, channels, height, -1) + upright
