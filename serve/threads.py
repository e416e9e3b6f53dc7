"""Threads that decode and encode images, not more than a few at a time.

A thread cannot be cancelled: what it holds of the budget stays held until it has really ended.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from serve.bodies import Share

T = TypeVar("T")


class Threads:
    """A bounded pool; work that nobody waits for any more is not begun."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="images")

    async def do(self, share: Share, work: Callable[[], T]) -> T:
        """Return what ``work`` returns; keep the share for as long as its thread is at it."""
        loop = asyncio.get_running_loop()

        def ended(_: "Future[T]") -> None:
            with suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(share.leave)

        job = self._pool.submit(work)
        share.keep()
        job.add_done_callback(ended)
        return await asyncio.wrap_future(job)
