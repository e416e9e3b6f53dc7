"""Pages are run two at a time: most of what a command takes is waiting for processes to start."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

from docs.fences import RUN, fences
from docs.page import Scene

CHAMPION = ("champion", "graticule promote")
"""Pages with such a word go one after the other: there is one champion for all."""


def run_page(scene: Scene, name: str) -> str:
    """Run a page from its beginning to its end; return what was said."""
    under_way = scene.page(name)
    for fence in fences(name):
        if fence.language in RUN:
            under_way.run(fence)
    return "\n".join(under_way.said)


@contextmanager
def taking_turns(scene: Scene, names: Sequence[str]) -> Iterator[Callable[[str], str]]:
    """Run pages behind what asks for them; give what waits for a page's end and returns what it said."""
    outcomes: dict[str, Future[str]] = {name: Future() for name in names}
    of_the_champion = deque(name for name in names if _is_of_the_champion(name))
    others = deque(name for name in names if name not in of_the_champion)

    def work(*queues: deque[str]) -> None:
        for queue in queues:
            while queue:
                try:
                    name = queue.popleft()
                except IndexError:
                    break
                try:
                    outcomes[name].set_result(run_page(scene, name))
                except BaseException as error:  # noqa: BLE001 - raised where it is asked for
                    outcomes[name].set_exception(error)

    threads = [
        threading.Thread(target=work, args=queues) for queues in ((of_the_champion, others), (others,))
    ]
    for thread in threads:
        thread.start()
    try:
        yield lambda name: outcomes[name].result()
    finally:
        for queue in (of_the_champion, others):
            queue.clear()
        for thread in threads:
            thread.join()


def _is_of_the_champion(name: str) -> bool:
    return any(word in fence.code for fence in fences(name) if fence.language in RUN for word in CHAMPION)
