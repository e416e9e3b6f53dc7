"""Cut a map of tokens into square windows, and say which tokens of a window may meet.

Shapes: b images, h x w tokens, d channels, m windows over all images (image by image, row by
row), n = window**2 tokens of one window in raster order.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def partition(tokens: Float[Tensor, "b h w d"], window: int) -> Float[Tensor, "m n d"]:
    """Cut a map, whose edges are multiples of ``window``, into windows."""
    batch, height, width, channels = tokens.shape
    cut = tokens.reshape(batch, height // window, window, width // window, window, channels)
    return cut.transpose(2, 3).reshape(-1, window * window, channels)


def join(windows: Float[Tensor, "m n d"], size: tuple[int, int], window: int) -> Float[Tensor, "b h w d"]:
    """Undo :func:`partition` for maps of ``size`` (height, width), in tokens."""
    height, width = size
    channels = windows.shape[-1]
    cut = windows.reshape(-1, height // window, width // window, window, window, channels)
    return cut.transpose(2, 3).reshape(-1, height, width, channels)


def offset_index(window: int) -> Int[Tensor, "n n"]:
    """Return for each pair of a window's tokens the row of the bias table.

    Row (dy + window - 1) * (2 window - 1) + dx + window - 1, where (dy, dx) leads from the
    second token to the first.
    """
    y, x = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    dy, dx = (axis.flatten()[:, None] - axis.flatten()[None, :] for axis in (y, x))
    return (dy + window - 1) * (2 * window - 1) + dx + window - 1


def strangers(
    size: tuple[int, int], window: int, shift: int, device: torch.device | None = None
) -> Bool[Tensor, "m n n"]:
    """Return the pairs of tokens that meet in one window only because the shift wraps around.

    A map rolled by ``-shift`` holds, in its last window of a row or column, tokens from opposite
    edges of the image; attention must not pass between them.

    Args:
        size: Height and width of the map, in tokens.
        window: Edge of a window, in tokens.
        shift: How far the map was rolled up and to the left, in tokens.
        device: Where the answer is wanted.
    """
    rows, columns = (_wrapped(extent, shift, device) for extent in size)
    region = 2 * rows[:, None] + columns[None, :]
    windows = partition(region.float()[None, :, :, None], window).squeeze(-1)
    return windows[:, :, None] != windows[:, None, :]


def _wrapped(extent: int, shift: int, device: torch.device | None) -> Int[Tensor, " extent"]:
    return (torch.arange(extent, device=device) >= extent - shift).long()
