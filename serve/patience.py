"""For how long somebody waits for an answer."""

import time

from serve.problems import Problem

GIVEN_UP = "the time limit is over before the image was done; crop it, ask for less, or try a faster model"


class Patience:
    """Ends with a time, or when whoever waits goes away.

    Args:
        seconds: From now, by the clock of this process.
    """

    def __init__(self, seconds: float = float("inf")) -> None:
        self._until = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        """Whether nobody waits any more."""
        return time.monotonic() >= self._until

    def give_up(self) -> None:
        """End it now."""
        self._until = float("-inf")

    def check(self) -> None:
        """Stop work that nobody waits for.

        Raises:
            Problem: 504 if nobody waits any more.
        """
        if self.over:
            raise Problem("too-long", GIVEN_UP)
