"""When a request's time is over: one clock from the last byte in to the first byte out."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from serve.problems import Problem


class Deadline:
    """Begins now.

    Args:
        seconds: Until it is over.
        remedy: What a client could do about it.
    """

    def __init__(
        self, seconds: float = float("inf"), *, remedy: str = "crop the image, or name a faster model"
    ) -> None:
        self._seconds, self._remedy = seconds, remedy
        self._until = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds that are left; none are 0."""
        return max(0.0, self._until - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether nobody waits any more."""
        return time.monotonic() >= self._until

    def give_up(self) -> None:
        """Let it be over now: whoever waited has gone away."""
        self._until = float("-inf")

    def check(self) -> None:
        """Go on if there is time left; for threads, which nobody can cancel.

        Raises:
            Problem: 504 if there is none.
        """
        if self.is_over:
            raise self.problem()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Cancel what the block waits for once the time is over.

        Raises:
            Problem: 504.
        """
        try:
            async with asyncio.timeout(self.remaining):
                try:
                    yield
                except asyncio.CancelledError:
                    self.give_up()
                    raise
        except TimeoutError:
            raise self.problem() from None

    def problem(self) -> Problem:
        """Return what a client is told when it is over."""
        return Problem("too-long", f"there was no answer within {self._seconds:g} s; {self._remedy}")
