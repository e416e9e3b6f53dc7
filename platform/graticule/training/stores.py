"""Where a training run keeps its state, so that it can go on after it was killed."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from graticule.core.errors import StorageError

FILE = "state.pt"
State = dict[str, Any]
"""Tensors, numbers, strings, and dicts and lists of these."""


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
        torch.save(state, scratch)
        os.replace(scratch, path)
    except (OSError, RuntimeError) as error:  # a full disk is a RuntimeError of torch
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
    return loaded(path, where=str(path))


def loaded(file: Path | BytesIO, *, where: str) -> State:
    """Return the state in a file, or in an open one that ``where`` names.

    Raises:
        StorageError: If it is damaged.
    """
    try:
        state: State = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises several trees for damaged files
        raise StorageError(
            f"{where} is damaged; delete it and begin anew ({type(error).__name__})"
        ) from error
    return state
