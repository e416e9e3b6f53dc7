"""Tokens row by row, and the map that they make, without a copy: channels lie together in both.

B batch, N tokens, C channels, H W grid.
"""

from jaxtyping import Float
from torch import Tensor

Grid = tuple[int, int]
"""Tokens down and across."""


def to_map(tokens_BNC: Float[Tensor, "b n c"], grid: Grid) -> Float[Tensor, "b c h w"]:
    """Return the map of a grid's tokens."""
    batch, _, channels = tokens_BNC.shape
    return tokens_BNC.reshape(batch, *grid, channels).permute(0, 3, 1, 2)


def to_tokens(map_BCHW: Float[Tensor, "b c h w"]) -> Float[Tensor, "b n c"]:
    """Return a map's tokens."""
    return map_BCHW.permute(0, 2, 3, 1).flatten(1, 2)
