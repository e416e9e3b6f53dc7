"""What comes while work is under way is gathered, and worked on together when its turn comes."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from dataclasses import dataclass
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
        self._waiting: list[_Waiting[T, R]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, thing: T) -> R:
        """Return the answer to a thing.

        Raises:
            Exception: What the work on its batch raised.
        """
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(thing, self._alike(thing), answer))
        if self._task is None or self._task.done():
            # A context of its own: the batch is not part of the request that happened to come first.
            self._task = asyncio.get_running_loop().create_task(self._go_on(), context=Context())
        return await answer

    async def _go_on(self) -> None:
        while batch := self._next():
            try:
                answers = await self._work([one.thing for one in batch])
                told = list(zip(batch, answers, strict=True))
            except BaseException as error:
                ours = error if isinstance(error, Exception) else RuntimeError(f"broken off: {error!r}")
                for one in batch:
                    if not one.answer.done():
                        one.answer.set_exception(ours)
                if ours is not error:
                    raise
                continue
            for one, answer in told:
                if not one.answer.done():
                    one.answer.set_result(answer)

    def _next(self) -> "list[_Waiting[T, R]]":
        """Take the first thing that somebody waits for, and those like it."""
        waiting = [one for one in self._waiting if not one.answer.done()]
        batch = [one for one in waiting if one.kind == waiting[0].kind][: self._most]
        self._waiting = [one for one in waiting if one not in batch]
        return batch


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting(Generic[T, R]):
    thing: T
    kind: Hashable
    answer: "asyncio.Future[R]"
