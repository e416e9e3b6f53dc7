"""What was read or made and may be wanted again: the last of it, as much as memory is given."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Shelf(Generic[T]):
    """Keeps things by key; pickles empty.

    Args:
        size: Bytes of a thing.
    """

    def __init__(self, size: Callable[[T], int]) -> None:
        self._size = size
        self._things: OrderedDict[Hashable, T] = OrderedDict()
        self._bytes = 0

    def take(self, key: Hashable, make: Callable[[], T], *, most: int) -> T:
        """Return what is kept under a key, made if it is not there; what was not taken for longest goes.

        Args:
            key: Of the thing.
            make: Makes it.
            most: Bytes of all that is kept; the last thing is kept whatever its size.
        """
        if key in self._things:
            self._things.move_to_end(key)
            return self._things[key]
        made = self._things[key] = make()
        self._bytes += self._size(made)
        while self._bytes > most and len(self._things) > 1:
            self._bytes -= self._size(self._things.popitem(last=False)[1])
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {"_size": self._size, "_things": OrderedDict(), "_bytes": 0}
