"""Where and how precisely a network runs, and how many views at once."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Literal

import torch
from torch import Tensor

from graticule.core.errors import ConfigError

LARGEST_BATCH = 16
WORKER_BYTES = 2**30
"""Main memory of a worker with a network: 0.8 to 1.2 GiB were measured, at 1024 and 2048 px."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def resolve_device(name: str) -> torch.device:
    """Return the device called ``name``; ``auto`` is CUDA where there is one, else the CPU.

    Raises:
        ConfigError: If this machine has no such device.
    """
    graphics = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if name == "auto":
        return torch.device("cuda" if graphics else "cpu")
    known = ["cpu", *(["cuda"] if graphics else []), *graphics]
    if name not in known:
        raise ConfigError(f"no device {name!r} on this machine; there is: auto, {', '.join(known)}")
    return torch.device(name)


def resolve_dtype(name: str, device: torch.device) -> torch.dtype:
    """Return the type called ``name``; ``auto`` is bfloat16 where CUDA computes in it, else float32.

    Raises:
        ConfigError: If there is none of that name.
    """
    if name == "auto":
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if fast else torch.float32
    if name not in DTYPES:
        raise ConfigError(f"unknown dtype {name!r}; known: auto, {', '.join(DTYPES)}")
    return DTYPES[name]


class Batch:
    """How many views go through a network at once; shrinks, for good, to what fits.

    Attributes:
        size: Views at once.
        fixed: Whether a user has said the size, so that it must not shrink.
    """

    def __init__(self, size: int, *, fixed: bool) -> None:
        self.size, self.fixed = size, fixed

    @classmethod
    def of(cls, asked: int | Literal["auto"], device: torch.device) -> "Batch":
        """Return what to begin with.

        Always 1 on a CPU: a batch is no faster there, and how a sum is split among threads
        depends on it, so that the batch size would show in the last bit.
        """
        if device.type == "cpu":
            return cls(1, fixed=True)
        return cls(LARGEST_BATCH, fixed=False) if asked == "auto" else cls(asked, fixed=True)

    def shrink(self, device: torch.device) -> None:
        """Halve the size after the device's memory was too small for it.

        Raises:
            ConfigError: If it is fixed, or 1 already.
        """
        if self.fixed or self.size == 1:
            remedy = "a smaller view_px, or device cpu" if self.size == 1 else "a smaller batch, or auto"
            raise ConfigError(f"batch = {self.size} does not fit in the memory of {device}; take {remedy}")
        self.size //= 2


def run_in_batches(
    function: Callable[[Tensor], Tensor],
    views: Iterable[Tensor],
    *,
    batch: Batch,
    device: torch.device,
    dtype: torch.dtype,
) -> Iterator[Tensor]:
    """Yield what ``function`` answers to each of ``views``, as float32 on the CPU, in order.

    Views are drawn as they are needed. A last, smaller batch is filled up with its last
    view: an answer must not depend on how many views came with it.

    Args:
        function: (b …) on the device -> (b …). It runs in inference mode, and for a half
            precision under autocast; its weights stay in float32.
        views: All of one shape.
        batch: How many at once; shrunk where the device's memory is too small.
        device: Where to run.
        dtype: Precision of products and convolutions.

    Raises:
        ConfigError: If not even a single view fits, or not as many as a user has asked for.
    """
    source, waiting = iter(views), list[Tensor]()
    while True:
        waiting.extend(islice(source, max(0, batch.size - len(waiting))))
        if not waiting:
            return
        now = waiting[: batch.size]
        filled = torch.stack(now + now[-1:] * (batch.size - len(now)))
        answers = _answers(function, filled, device, dtype)
        if answers is None:
            batch.shrink(device)
            continue
        del waiting[: len(now)]
        yield from answers[: len(now)]


def _answers(
    function: Callable[[Tensor], Tensor], images: Tensor, device: torch.device, dtype: torch.dtype
) -> Tensor | None:
    """Return the answers, ``None`` if the memory was too small."""
    half = dtype != torch.float32
    try:
        with torch.inference_mode(), torch.autocast(device.type, dtype if half else None, enabled=half):
            return function(images.to(device)).to("cpu", torch.float32)
    except torch.OutOfMemoryError:
        pass
    if device.type == "cuda":
        torch.cuda.empty_cache()
    return None
