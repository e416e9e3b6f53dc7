"""A run whose server may be away for a while: what cannot be logged now waits in memory.

Training for hours must not end because somebody restarted MLflow.
"""

import logging
import time
from collections import deque
from collections.abc import Callable

from graticule.core.errors import ConfigError
from graticule.experiments.runs import Run

log = logging.getLogger(__name__)

PAUSE_SECONDS, LONGEST_PAUSE = 30.0, 600.0
MOST_WAITING = 20_000
Call = Callable[[Run], object]


class Patient:
    """Makes calls on a run, in order; those that fail are made again later.

    Args:
        run: The run.
        pause: Seconds to leave a server alone that did not answer; twice as long each time.
    """

    def __init__(self, run: Run, *, pause: float = PAUSE_SECONDS) -> None:
        self.run = run
        self._shortest = self._pause = pause
        self.lost = 0
        self._waiting: deque[Call] = deque()
        self._not_before = 0.0
        self._warned = False

    @property
    def waiting(self) -> int:
        """How many calls are still to be made."""
        return len(self._waiting)

    def do(self, call: Call) -> None:
        """Make a call, after those that wait; never raises for a server that is away."""
        self._waiting.append(call)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.lost += 1
        if time.monotonic() >= self._not_before:
            self.catch_up()

    def catch_up(self, *, raising: bool = False) -> bool:
        """Make the calls that wait; return whether none is left.

        Raises:
            ConfigError: If the server is away, and ``raising``.
        """
        while self._waiting:
            try:
                self._waiting[0](self.run)
            except ConfigError as error:
                if raising:
                    raise
                self._not_before = time.monotonic() + self._pause
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
                if not self._warned:
                    log.warning("%s; training goes on, and what is to be logged waits", error)
                    self._warned = True
                return False
            self._waiting.popleft()
            self._pause, self._warned = self._shortest, False
        return True
