"""Read vectors and key lists; whatever is wrong with them is said in one line."""

import json
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

Keys = Mapping[str, tuple[str, list[int]]]
"""Published key -> dtype and shape, as in ``NAME.keys.json``."""
DTYPES = ("float16", "bfloat16", "float32", "float64", "int32", "int64", "bool")


class InvalidFilesError(Exception):
    """There is nothing to compare with, or it cannot be read."""


def vector_files(folder: Path, only: str | None) -> list[Path]:
    """Return the vectors of a folder in order of their names, or the one asked for.

    Raises:
        InvalidFilesError: If there are none.
    """
    if not folder.is_dir():
        raise InvalidFilesError(f"{folder} is no folder; give the one with the vectors, NAME.npz")
    found = {path.stem: path for path in sorted(folder.glob("*.npz"))}
    if not found:
        raise InvalidFilesError(f"{folder} holds no vectors, NAME.npz")
    if only is None:
        return list(found.values())
    if only not in found:
        raise InvalidFilesError(f"{folder} has no vector {only!r}; it has {', '.join(found)}")
    return [found[only]]


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a vector.

    Raises:
        InvalidFilesError: If it is not an ``.npz`` file of numbers.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, BadZipFile, AttributeError) as error:
        raise InvalidFilesError(f"{path} is no vector that can be read: {error}") from None


def read_keys(path: Path) -> Keys:
    """Return the published layout of a network.

    Raises:
        InvalidFilesError: If the file is missing or is not a list of keys.
    """
    try:
        entries = json.loads(path.read_text())
        return {str(key): _entry(*entry) for key, entry in entries.items()}
    except FileNotFoundError:
        raise InvalidFilesError(f"{path} is missing; --keys names the folder with the key lists") from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InvalidFilesError(f"{path} is no list of key -> [dtype, shape]: {error}") from None


def _entry(dtype: str, shape: list[int]) -> tuple[str, list[int]]:
    if dtype not in DTYPES:
        raise ValueError(f"unknown dtype {dtype!r}")
    return dtype, [int(extent) for extent in shape]
