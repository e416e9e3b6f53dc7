"""Coarser levels of images and labels: halve y and x until a frame is small.

Time is not averaged. Sizes round up; where an edge is odd, the last pixel stands for the
one or two fine pixels that it covers.
"""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np
from jaxtyping import Int, Num, UInt32

SMALLEST_EDGE = 256
LOCAL_THREADS = 2

_WIDER = {1: np.int16, 2: np.int32, 4: np.int64}

Scheduler = Callable[..., Any]
"""A dask ``get``: takes a graph and the keys wanted."""


def level_shapes(shape: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    """Return the shape of every level, full resolution first, larger edge of the last <= 256."""
    frames, height, width = shape
    shapes = [(frames, height, width)]
    while max(height, width) > SMALLEST_EDGE:
        height, width = ceil(height / 2), ceil(width / 2)
        shapes.append((frames, height, width))
    return shapes


def halve_image(frames: Num[np.ndarray, "t y x"]) -> Num[np.ndarray, "t y2 x2"]:
    """Return the mean of each 2 x 2 block; integers round half to even, so that none drifts.

    A block with a NaN is NaN.
    """
    if not np.issubdtype(frames.dtype, np.integer):
        wide = np.result_type(frames.dtype, np.float32)
        quarter = wide.type(0.25)  # scaled first: the sum of four large floats overflows
        mean = sum(corner.astype(wide) * quarter for corner in _corners(frames))
        return np.asarray(mean).astype(frames.dtype)
    if frames.dtype.itemsize in _WIDER:
        return _rounded_mean(_even(frames))
    return _rounded_mean_of_longs(*_corners(frames))


def halve_labels(labels: UInt32[np.ndarray, "t y x"]) -> UInt32[np.ndarray, "t y2 x2"]:
    """Return the most frequent label of each 2 x 2 block; among equals the top-left-most."""
    a, b, c, d = _corners(labels)
    a_is_alone = (a != b) & (a != c) & (a != d)
    pair = np.where((b == c) | (b == d), b, np.where(c == d, c, a))
    return np.where(a_is_alone, pair, a)


def build_levels(
    starts: Sequence[int], write_shard: Callable[[int], int], *, scheduler: Scheduler | None
) -> None:
    """Call ``write_shard`` for each first frame, as a dask array over the grid of shards.

    The array's blocks are frame numbers: pixels are read and written inside a task and
    never pass through the scheduler.
    """
    import dask.array as da

    grid = da.from_array(  # type: ignore[no-untyped-call]
        np.asarray(starts, dtype=np.int64), chunks=1, name=False
    )
    done = da.map_blocks(  # type: ignore[no-untyped-call]
        _write_block, grid, write_shard, dtype=np.int64, meta=np.empty(0, np.int64)
    )
    if scheduler is None:
        done.compute(scheduler="threads", num_workers=LOCAL_THREADS)
    else:
        done.compute(scheduler=scheduler)


def _write_block(starts: Int[np.ndarray, " n"], write_shard: Callable[[int], int]) -> Int[np.ndarray, " n"]:
    return np.array([write_shard(int(start)) for start in starts], dtype=np.int64)


def _even(frames: Num[np.ndarray, "t y x"]) -> np.ndarray:
    _, height, width = frames.shape
    if height % 2 or width % 2:
        frames = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    return frames


def _corners(frames: Num[np.ndarray, "t y x"]) -> tuple[np.ndarray, ...]:
    frames = _even(frames)
    return (
        frames[:, 0::2, 0::2],
        frames[:, 0::2, 1::2],
        frames[:, 1::2, 0::2],
        frames[:, 1::2, 1::2],
    )


def _rounded_mean(frames: np.ndarray) -> np.ndarray:
    # Rows first: they lie together in memory.
    rows = np.add(frames[:, 0::2], frames[:, 1::2], dtype=_WIDER[frames.dtype.itemsize])
    total = rows[:, :, 0::2] + rows[:, :, 1::2]
    odd = (total >> 2) & 1
    return np.asarray((total + odd + 1) >> 2).astype(frames.dtype)


def _rounded_mean_of_longs(*corners: np.ndarray) -> np.ndarray:
    # Quarters and remainders are summed apart: there is no wider type to sum in.
    two, three, one = (corners[0].dtype.type(number) for number in (2, 3, 1))
    whole = sum((corner >> two for corner in corners[1:]), corners[0] >> two)
    rest = sum((corner & three for corner in corners[1:]), corners[0] & three)
    whole, rest = whole + (rest >> two), rest & three
    up = (rest == three) | ((rest == two) & ((whole & one) == one))
    return np.asarray(whole + up.astype(whole.dtype))
