"""A file that each process opens for itself, on first use."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Handle(Generic[T]):
    """Something open that pickles as the recipe to open it again.

    ``use`` lends it to one thread at a time. After an error it is dropped, and opened
    anew by the next user: a decoder that stumbled is not trusted again.
    """

    def __init__(self, opener: Callable[..., T], *arguments: Any) -> None:
        self._opener, self._arguments = opener, arguments
        self._lock = threading.Lock()
        self._open: tuple[int, T] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Handle, (self._opener, *self._arguments)

    @contextmanager
    def use(self) -> Iterator[T]:
        """Lend what is open; a forked process opens its own."""
        with self._lock:
            if self._open is None or self._open[0] != os.getpid():
                self._open = os.getpid(), self._opener(*self._arguments)
            try:
                yield self._open[1]
            except BaseException:
                self._open = None
                raise
