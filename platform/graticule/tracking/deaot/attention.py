"""Attention over all of a memory, and over what is near in the frame before.

B batch, N queries, M keys, H W grid of tokens, C channels of queries and keys, V of values.
"""

from functools import lru_cache
from itertools import pairwise

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from graticule.tracking.deaot.config import REACH

WINDOW = 2 * REACH + 1
_BLOCK = 12
"""Tokens along the edge of a block of queries that is answered at once."""


def attend(
    queries_BNC: Float[Tensor, "b n c"], keys_BMC: Float[Tensor, "b m c"], values_BMV: Float[Tensor, "b m v"]
) -> Float[Tensor, "b n v"]:
    """Return the values that each query finds, softmax of q k / sqrt(C)."""
    return scaled_dot_product_attention(queries_BNC, keys_BMC, values_BMV)


def attend_nearby(
    queries_BNC: Float[Tensor, "b n c"],
    keys_BNC: Float[Tensor, "b n c"],
    values_BNV: Float[Tensor, "b n v"],
    relative_BNO: Float[Tensor, "b n o"],
    *,
    grid: tuple[int, int],
) -> Float[Tensor, "b n v"]:
    """Return what each query finds within :data:`REACH` tokens of its own place.

    Answered block by block of neighbouring queries, so that memory grows with the tokens and
    not with their square.

    Args:
        queries_BNC: Of the grid, row by row.
        keys_BNC: Of the frame before, likewise.
        values_BNV: Its values.
        relative_BNO: Added to q k / sqrt(C), by offset (dy, dx), row by row.
        grid: Height and width in tokens.
    """
    queries, keys, values, relative = (
        part.reshape(len(part), *grid, -1) for part in (queries_BNC, keys_BNC, values_BNV, relative_BNO)
    )
    rows = []
    for top, bottom in _blocks(grid[0]):
        row = []
        for left, right in _blocks(grid[1]):
            near = _grown(top, bottom, grid[0]), _grown(left, right, grid[1])
            offset, outside = _offsets((top, bottom), (left, right), near)
            offset, outside = offset.to(queries.device), outside.to(queries.device)
            own = relative[:, top:bottom, left:right].flatten(1, 2)
            bias = own.gather(2, offset.expand(len(own), -1, -1)).masked_fill(outside, -torch.inf)
            seen = (slice(None), slice(*near[0]), slice(*near[1]))
            found = scaled_dot_product_attention(
                queries[:, top:bottom, left:right].flatten(1, 2),
                keys[seen].flatten(1, 2),
                values[seen].flatten(1, 2),
                attn_mask=bias,
            )
            row.append(found.reshape(len(found), bottom - top, right - left, -1))
        rows.append(torch.cat(row, 2))
    return torch.cat(rows, 1).flatten(1, 2)


def _blocks(length: int) -> list[tuple[int, int]]:
    count = -(-length // _BLOCK)
    ends = [length * k // count for k in range(count + 1)]
    return list(pairwise(ends))


def _grown(start: int, stop: int, limit: int) -> tuple[int, int]:
    return max(start - REACH, 0), min(stop + REACH, limit)


@lru_cache(maxsize=256)
@torch.inference_mode(False)  # what is kept from an inference must serve a training too
def _offsets(
    rows: tuple[int, int], columns: tuple[int, int], near: tuple[tuple[int, int], tuple[int, int]]
) -> tuple[Int[Tensor, "1 q k"], Bool[Tensor, "1 q k"]]:
    """Return the number of the offset from each query of a block to each key, and which are too far."""
    dy, dx = (
        torch.arange(*theirs)[None] - torch.arange(*own)[:, None] + REACH
        for own, theirs in zip((rows, columns), near, strict=True)
    )
    number = dy[:, None, :, None] * WINDOW + dx[None, :, None, :]
    far = (dy < 0) | (dy >= WINDOW)
    outside = far[:, None, :, None] | ((dx < 0) | (dx >= WINDOW))[None, :, None, :]
    number, outside = (part.flatten(2, 3).flatten(0, 1)[None] for part in (number, outside))
    return number.masked_fill(outside, 0), outside
