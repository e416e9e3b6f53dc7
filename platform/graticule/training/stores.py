"""Where a training run keeps its state, so that it can go on after it was killed."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from graticule.core.errors import StorageError
from graticule.training.state_file import State, from_bytes, read_file, write_file

FILE = "state.safetensors"


class Store(ABC):
    """Keeps the last state. All workers call it at the same steps."""

    @abstractmethod
    def load(self) -> State | None:
        """Return the last state that was saved whole; ``None`` if there is none."""

    @abstractmethod
    def save(self, state: State | None, metrics: Mapping[str, float]) -> None:
        """Keep ``state``, which only the first worker gives; ``metrics`` go with it."""


class Nowhere(Store):
    """Keeps nothing."""

    def load(self) -> None:
        """Return nothing."""

    def save(self, state: State | None, metrics: Mapping[str, float]) -> None:
        """Keep nothing."""


class Folder(Store):
    """Keeps the state in a local folder, made if missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self) -> State | None:
        """Return the last state that was saved whole; ``None`` if there is none."""
        path = self.folder / FILE
        return read_state(path) if path.is_file() else None

    def save(self, state: State | None, metrics: Mapping[str, float]) -> None:
        """Replace the state; it is the old or the new one, never a part."""
        if state is not None:
            write_state(self.folder / FILE, state)


def write_state(path: Path, state: State) -> None:
    """Write a state; the file is there whole or not at all.

    Raises:
        StorageError: If it cannot be written there.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(scratch, state)
        os.replace(scratch, path)
    except (OSError, SafetensorError) as error:  # a full disk can be either
        why = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise StorageError(f"{path}: the checkpoint cannot be written ({why}); is the disk full?") from error
    finally:
        with suppress(OSError):
            scratch.unlink()


def read_state(path: Path) -> State:
    """Return a state; nothing in it can run code.

    Raises:
        StorageError: If it is damaged.
    """
    with _damage(str(path)):
        return read_file(path)


def state_from(content: bytes, *, where: str) -> State:
    """Return the state in the bytes of a file, which ``where`` names.

    Raises:
        StorageError: If it is damaged.
    """
    with _damage(where):
        return from_bytes(content)


@contextmanager
def _damage(where: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # safetensors, json and our own reading fail in their ways
        raise StorageError(
            f"{where} is damaged; delete it and begin anew ({type(error).__name__})"
        ) from error
