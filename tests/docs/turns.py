"""Pages are run two at a time: most of what a command takes is waiting for processes to start."""

import re
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

from docs.fences import RUN, fences
from docs.page import ENDPOINT, Scene

CHAMPION = "champion|graticule promote"
"""Pages with such a word go one after the other: there is one champion for all."""


def run_page(scene: Scene, name: str) -> str:
    """Run a page from its beginning to its end; return what was said."""
    under_way = scene.page(name)
    for fence in fences(name):
        if fence.language in RUN:
            under_way.run(fence)
    return "\n".join(under_way.said)


class Turns:
    """What is still to be run, and what came of it."""

    def __init__(self, scene: Scene, names: Sequence[str]) -> None:
        self._scene = scene
        self._outcomes: dict[str, Future[str]] = {name: Future() for name in names}
        self._asking = {name for name in names if asks_the_endpoint(name)}
        first = sorted(names, key=lambda name: name not in self._asking)  # it is stopped after them
        self._of_the_champion = deque(name for name in first if _says(name, CHAMPION))
        self._others = deque(name for name in first if name not in self._of_the_champion)

    def outcome(self, name: str) -> str:
        """Wait for a page's end; return what it said, or raise what went wrong."""
        return self._outcomes[name].result()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Run pages behind what asks for them."""
        both = [(self._of_the_champion, self._others), (self._others,)]
        threads = [threading.Thread(target=self._work, args=queues) for queues in both]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._of_the_champion.clear()
            self._others.clear()
            for thread in threads:
                thread.join()

    def _work(self, *queues: deque[str]) -> None:
        for queue in queues:
            while (name := _next(queue)) is not None:
                try:
                    self._outcomes[name].set_result(run_page(self._scene, name))
                except BaseException as error:  # noqa: BLE001 - raised where it is asked for
                    self._outcomes[name].set_exception(error)
                self._leave_endpoint(name)

    def _leave_endpoint(self, name: str) -> None:
        if name in self._asking:
            self._asking.remove(name)
            if not self._asking:
                self._scene.stop_endpoint()


def asks_the_endpoint(name: str) -> bool:
    """Whether a page needs the endpoint."""
    return _says(name, ENDPOINT)


def _says(name: str, pattern: str) -> bool:
    return any(re.search(pattern, fence.code) for fence in fences(name) if fence.language in RUN)


def _next(queue: deque[str]) -> str | None:
    try:
        return queue.popleft()
    except IndexError:
        return None
