"""Files by path or URL: the few questions that readers ask of them.

Local paths go straight to the system; URLs go through fsspec.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import fsspec

from graticule.core.errors import GraticuleError, InputError
from graticule.storage.place import connection

log = logging.getLogger(__name__)

_COMPOUND_ENDINGS = (".ome.zarr", ".ome.tiff", ".ome.tif", ".ome.btf", ".zarr")
_WEB = ("http://", "https://")
_REMOTE_BLOCK = 1 << 18
_LONGEST = 200
_OURS = ("graticule.", "jaxtyping.")  # the latter checks our shapes, in tests


class Entry(NamedTuple):
    """What a folder holds under one name; ``size`` in bytes, 0 for a folder."""

    name: str
    size: int
    is_folder: bool


def located(path: str) -> str:
    """Return a path without ``file://`` and closing slashes; local ones absolute."""
    path = path.removeprefix("file://") if path.startswith("file://") else path
    return (path.rstrip("/") if is_url(path) else os.path.abspath(path)) or path


def is_url(path: str) -> bool:
    """Whether ``path`` is a URL, not a path of this machine."""
    return "://" in path


def joined(folder: str, name: str) -> str:
    """Return the path or URL of ``name`` in ``folder``."""
    return f"{folder.rstrip('/')}/{name}"


def base_name(path: str) -> str:
    """Return the last part of a path or URL; what a web server is asked beside it is no part of a name."""
    if path.startswith(_WEB):
        path = path.partition("?")[0]
    return PurePosixPath(path.rstrip("/")).name


def stem(path: str) -> str:
    """Return what a movie is called: its last part without the endings of its format."""
    name = base_name(path)
    for ending in _COMPOUND_ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return PurePosixPath(name).stem


def extension(path: str) -> str:
    """Return the lower-case ending with its dot, ``""`` where there is none."""
    return PurePosixPath(base_name(path)).suffix.lower()


def filesystem(path: str) -> tuple[Any, str]:
    """Return the fsspec file system of a path or URL, and its key there."""
    system, key = fsspec.core.url_to_fs(path, **connection(path))
    return system, key


def kind_of(path: str) -> str:
    """Return ``"file"``, ``"folder"`` or ``"missing"``."""
    with readable(path):
        if not is_url(path):
            return "folder" if os.path.isdir(path) else "file" if os.path.exists(path) else "missing"
        system, key = filesystem(path)
        if system.isfile(key):
            return "file"
        return "folder" if system.isdir(key) else "missing"


def size_of(path: str) -> int:
    """Return a file's size in bytes."""
    with readable(path):
        if not is_url(path):
            return os.path.getsize(path)
        system, key = filesystem(path)
        return int(system.size(key))


def entries(folder: str) -> list[Entry]:
    """Return what a folder holds, in no order. Sizes of local files are not looked up (0)."""
    with readable(folder):
        if not is_url(folder):
            with os.scandir(folder) as scan:
                return [Entry(item.name, 0, item.is_dir()) for item in scan]
        system, key = filesystem(folder)
        found = system.ls(key, detail=True)
        entries = (
            Entry(base_name(item["name"]), int(item["size"] or 0), item["type"] == "directory")
            for item in found
        )
        return [entry for entry in entries if entry.name and entry.name != base_name(key)]


def open_file(path: str) -> Any:
    """Open a file for reading bytes; seeks are cheap, also in a remote one."""
    if not is_url(path):
        return open(path, "rb")
    system, key = filesystem(path)
    return system.open(key, "rb", block_size=_REMOTE_BLOCK)


def read_whole(path: str) -> bytes:
    """Return all bytes of a file."""
    with readable(path):
        if not is_url(path):
            with open(path, "rb") as file:
                return file.read()
        system, key = filesystem(path)
        content: bytes = system.cat_file(key)
        return content


def read_into(path: str, offset: int, target: memoryview) -> int:
    """Fill ``target`` with bytes from ``offset`` on; return how many there were."""
    with readable(path):
        if is_url(path):
            system, key = filesystem(path)
            content = system.cat_file(key, start=offset, end=offset + len(target))
            if len(content) > len(target):
                raise InputError(f"{path}: its server sends whole files only; download it, and give the file")
            target[: len(content)] = content
            return len(content)
        with open(path, "rb", buffering=0) as file:
            file.seek(offset)
            return _fill(file, target)


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turn failures of the file system at ``path`` into one line.

    Raises:
        InputError: If the file is gone, forbidden, or its store does not answer.
    """
    try:
        yield
    except GraticuleError:
        raise
    except FileNotFoundError as error:
        # fsspec says so of a web server that it cannot even reach
        if is_url(path) and isinstance(error.__cause__, OSError):
            raise InputError(
                f"{path} cannot be read: {one_line(error.__cause__)}; check the address and its server"
            ) from error
        raise InputError(f"{path}: no such file or folder; check the path") from error
    except PermissionError as error:
        raise InputError(f"{path}: not allowed to read it; change its permissions or your keys") from error
    except ImportError as error:
        raise InputError(f"{path}: {one_line(error)}") from error
    except Exception as error:
        if not is_url(path) and not isinstance(error, OSError):
            raise
        raise InputError(f"{path} cannot be read: {one_line(error)}; check the path and its store") from error


@contextmanager
def decoding(path: str, remedy: str) -> Iterator[None]:
    """Turn whatever a decoder raises at a damaged file into one line.

    What no file can cause passes unchanged: memory that ran out, mistakes of our own.

    Raises:
        InputError: If a decoder fails, is not installed, or may not read the file.
    """
    with readable(path):
        try:
            yield
        except (GraticuleError, PermissionError, ImportError, MemoryError):
            raise
        except Exception as error:
            if _is_our_mistake(error):
                raise
            log.debug("while reading %s", path, exc_info=True)
            why = one_line(error)
            raise InputError(f"{path} is damaged or not what its name says ({why}); {remedy}") from error


def one_line(error: Exception) -> str:
    """Return the first line of an error's text, not too long."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0].strip()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _is_our_mistake(error: Exception) -> bool:
    """Whether a line of this package raised what only a mistake in it can."""
    if not isinstance(error, AssertionError | NameError | AttributeError | TypeError):
        return False
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith(_OURS)


def _fill(file: Any, target: memoryview) -> int:
    done = 0
    while done < len(target):
        got = file.readinto(target[done:])
        if not got:
            break
        done += got
    return done
