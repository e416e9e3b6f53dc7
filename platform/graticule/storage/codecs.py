"""How pixels are cut, compressed and coded: the one place that sets zarr up.

Plain zstd level 1: on camera noise and on labels it compresses as well as or better than
blosc with either shuffle, and is faster on labels (figures in DESIGN.md).

zarrs writes the chunks of a shard in the order its threads finish, so the same pixels give
other bytes each time; with one thread the order is fixed. Every array that is written is
therefore opened with one coding thread: parallel work is one process per shard.
"""

import os
import threading
from contextlib import AbstractContextManager
from math import ceil, prod
from typing import Any

import numpy as np
import pyarrow as pa
import zarr
from zarr.abc.store import Store
from zarr.codecs import ZstdCodec
from zarr.storage import LocalStore

AXES = ("t", "y", "x")
CHUNK_EDGE = 512
SHARD_LABEL_BYTES = 16 << 20
MOST_SHARD_FRAMES = 64

ZARRS = "zarrs.ZarrsCodecPipeline"
BATCHED = "zarr.core.codec_pipeline.BatchedCodecPipeline"

_opening = threading.Lock()  # zarr's configuration is global; hold it while a pipeline is chosen


def shard_frames(shape: tuple[int, int, int]) -> int:
    """Return the frames per shard: about 16 MiB of raw uint32 labels, 1 to 64."""
    frame_bytes = prod(shape[1:]) * np.dtype(np.uint32).itemsize
    return int(np.clip(SHARD_LABEL_BYTES // max(frame_bytes, 1), 1, MOST_SHARD_FRAMES))


def chunk_grid(shape: tuple[int, int, int], *, frames: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return chunk and shard shape of an array (t, y, x): a shard holds ``frames`` whole frames."""
    chunk = tuple(min(CHUNK_EDGE, edge) for edge in shape[1:])
    shard = tuple(ceil(edge / size) * size for edge, size in zip(shape[1:], chunk, strict=True))
    return (1, *chunk), (frames, *shard)


def create_array(
    store: Store, path: str, *, shape: tuple[int, int, int], dtype: np.dtype, frames: int
) -> None:
    """Create an empty sharded array; nothing happens where the same one is.

    Raises:
        ValueError: If another array lies there.
    """
    try:
        there = zarr.open_array(store, path=path, mode="r", zarr_format=3)
    except FileNotFoundError:
        chunks, shards = chunk_grid(shape, frames=frames)
        zarr.create_array(
            store,
            name=path,
            shape=shape,
            dtype=dtype,
            chunks=chunks,
            shards=shards,
            compressors=ZstdCodec(level=1),
            fill_value=0,
            dimension_names=AXES,
        )
        return
    if there.shape != shape or there.dtype != dtype:
        raise ValueError(f"{path} is {there.shape} {there.dtype}, expected {shape} {dtype}")


def open_array(store: Store, path: str, *, write: bool = False) -> zarr.Array:
    """Open an array with the codec pipeline that fits its store, for reading or for writing.

    Raises:
        FileNotFoundError: If there is no array.
    """
    found = zarr.open_array(store, path=path, mode="r+" if write else "r", zarr_format=3)
    settings: dict[str, object] = {"codec_pipeline.path": _pipeline(store)}
    if write:
        settings["threading.max_workers"] = 1
    # A pipeline is chosen, with its threads, when an AsyncArray is made; making one anew
    # keeps these settings from reaching zarr's own thread pool, and everybody else's arrays.
    with _opening, zarr.config.set(settings):
        return zarr.Array(zarr.AsyncArray(metadata=found.metadata, store_path=found.store_path))


def plain_codecs() -> AbstractContextManager[Any]:
    """Return a context in which others' code writes deterministic bytes through zarr."""
    context: AbstractContextManager[Any] = zarr.config.set({"codec_pipeline.path": BATCHED})
    return context


def pipeline_in_use(array: zarr.Array) -> str:
    """Return "zarrs", or "zarr" where zarr-python's own pipeline does the coding.

    zarrs falls back silently: the array's class alone does not tell.
    """
    pipeline = array._async_array.codec_pipeline
    return "zarrs" if getattr(pipeline, "impl", None) is not None else "zarr"


def limit_threads(threads: int) -> None:
    """Cap the threads that reading and writing use in this process; call it first.

    zarrs codes on rayon's pool, whose size is read from the environment when it starts and
    whose share per call from zarr's configuration when an array is opened; zarr's own pool
    is made on first use.
    """
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    zarr.config.set(
        {
            "threading.max_workers": threads,
            "async.concurrency": threads,
            "codec_pipeline.chunk_concurrent_minimum": 1,
            "codec_pipeline.chunk_concurrent_maximum": threads,
        }
    )
    pa.set_cpu_count(threads)
    pa.set_io_thread_count(threads)


def _pipeline(store: Store) -> str:
    return ZARRS if isinstance(store, LocalStore) else BATCHED
