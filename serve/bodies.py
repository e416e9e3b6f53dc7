"""A request's body, counted while it arrives and refused before it is whole if it is too large.

Nothing of an image touches the disk: its bytes are gathered in memory, of which there is a budget
for all requests together.
"""

import asyncio
import ctypes
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

from serve.problems import Problem, busy

Sink = Callable[[bytes], Awaitable[None]]
"""Takes the bytes of a file as they arrive."""


LARGE_BYTES = 2**24
"""A body that came in small pieces leaves the heap in pieces: from this size on it is tidied up after."""
_TIDY_SECONDS = 1.0


def give_back_later() -> None:
    """Give free memory back to the system, once the request that held it is gone."""
    asyncio.get_running_loop().call_later(_TIDY_SECONDS, _trim)


def _trim() -> None:
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # of glibc alone
            ctypes.CDLL(None).malloc_trim(0)


class Budget:
    """Bytes that may be in memory at a time, over all requests."""

    def __init__(self, total: int) -> None:
        self.total, self.held = total, 0

    @contextmanager
    def share(self) -> "Iterator[Share]":
        """Yield a share that grows as bytes arrive, and is given back after the block."""
        share = Share(self)
        try:
            yield share
        finally:
            self.held -= share.held
            if share.held >= LARGE_BYTES:
                give_back_later()
            share.held = 0


class Share:
    """What one request holds of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self.held = budget, 0

    def take(self, count: int) -> None:
        """Hold so many bytes more.

        Raises:
            Problem: 503 if all requests together would hold too many.
        """
        if self._budget.held + count > self._budget.total:
            raise busy("too many images are arriving")
        self._budget.held += count
        self.held += count


async def counted(
    chunks: AsyncIterator[bytes], *, announced: str | None, most: int, seconds: float
) -> AsyncIterator[bytes]:
    """Yield the chunks of a body.

    Args:
        chunks: As they arrive.
        announced: The header ``Content-Length``.
        most: Bytes that a body may have.
        seconds: For all of it to arrive.

    Raises:
        Problem: 413 as soon as it is known to be larger, 408 if it takes longer.
    """
    if announced is not None and announced.isdecimal() and int(announced) > most:
        raise too_large(int(announced), most)
    arrived, until = 0, asyncio.get_running_loop().time() + seconds
    source = aiter(chunks)
    while True:
        try:
            async with asyncio.timeout_at(until):
                chunk = await anext(source)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Problem(
                "too-slow", f"only {arrived} bytes came in {seconds:g} s; try a faster line"
            ) from None
        arrived += len(chunk)
        if arrived > most:
            raise too_large(arrived, most, over=True)
        if chunk:
            yield chunk


def too_large(size: int, most: int, *, over: bool = False) -> Problem:
    """Return the refusal of a body of ``size`` bytes, or of more where it was not read to its end."""
    said = f"more than {_mib(most)}" if over else _mib(size)
    return Problem("too-large", f"the body has {said}, at most {_mib(most)} are taken; crop or compress it")


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 / 10 else f"{size} bytes"
