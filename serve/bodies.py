"""A request's body, counted while it arrives and refused before it is whole if it is too large.

Nothing of an image touches the disk: its bytes are gathered in memory, of which there is a budget
for all requests together.
"""

import asyncio
import ctypes
import sys
import threading
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
        self.lock = threading.Lock()

    @contextmanager
    def share(self) -> "Iterator[Share]":
        """Yield a share that grows as bytes arrive.

        It is given back after the block, or once the last thread that keeps it has ended.
        """
        share = Share(self)
        try:
            yield share
        finally:
            share.leave()


class Share:
    """What one request holds of a budget. Threads may take of it; the rest is for the event loop."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self.held, self._most, self._users = budget, 0, 0, 1

    def take(self, count: int) -> None:
        """Hold so many bytes more.

        A request that is alone may hold more than the budget, or the largest image would never pass;
        its own limits bound it.

        Raises:
            Problem: 503 if all requests together would hold too many.
        """
        with self._budget.lock:
            if self._budget.held > self.held and self._budget.held + count > self._budget.total:
                raise busy("too many images are arriving")
            self._budget.held += count
            self.held += count
            self._most = max(self._most, self.held)

    @contextmanager
    def lent(self, count: int) -> Iterator[None]:
        """Hold so many bytes more for as long as the block lasts.

        Raises:
            Problem: See :meth:`take`.
        """
        self.take(count)
        try:
            yield
        finally:
            self._give(count)

    def keep(self) -> None:
        """Have one more user, who will leave."""
        self._users += 1

    def leave(self) -> None:
        """Have one user less; the last one gives everything back."""
        self._users -= 1
        if self._users == 0:
            self._give(self.held)
            if self._most >= LARGE_BYTES:
                give_back_later()

    def _give(self, count: int) -> None:
        with self._budget.lock:
            given = min(count, self.held)  # whoever left last may have given it back already
            self._budget.held -= given
            self.held -= given


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
