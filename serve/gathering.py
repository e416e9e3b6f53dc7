"""What comes while work is under way is gathered, and worked on together when its turn comes."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Gathering(Generic[T, R]):
    """Makes batches as large as the work is slow: the first thing waits for nothing.

    Args:
        work: Answers a batch, in order.
        alike: Things of the same value share a batch.
        most: Things of a batch.
    """

    def __init__(
        self, work: Callable[[list[T]], Awaitable[Sequence[R]]], *, alike: Callable[[T], Hashable], most: int
    ) -> None:
        self._work, self._alike, self._most = work, alike, most
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, thing: T) -> R:
        """Return the answer to a thing.

        Raises:
            Exception: What the work on its batch raised.
        """
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((thing, answer))
        if self._task is None or self._task.done():
            # A context of its own: the batch is not part of the request that happened to come first.
            self._task = asyncio.get_running_loop().create_task(self._go_on(), context=Context())
        return await answer

    async def _go_on(self) -> None:
        while batch := self._next():
            try:
                answers = await self._work([thing for thing, _ in batch])
                told = list(zip(batch, answers, strict=True))
            except Exception as error:  # noqa: BLE001 - whoever waits is told
                for _, waits in batch:
                    if not waits.done():
                        waits.set_exception(error)
                continue
            for (_, waits), answer in told:
                if not waits.done():
                    waits.set_result(answer)

    def _next(self) -> list[tuple[T, asyncio.Future[R]]]:
        """Take the first thing that somebody waits for, and those like it."""
        waiting = [one for one in self._waiting if not one[1].done()]
        kind = self._alike(waiting[0][0]) if waiting else None
        batch = [one for one in waiting if self._alike(one[0]) == kind][: self._most]
        taken = {id(answer) for _, answer in batch}
        self._waiting = [one for one in waiting if id(one[1]) not in taken]
        return batch
