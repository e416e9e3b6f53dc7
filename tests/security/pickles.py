"""Is this file a pickle, or does it hold one? Told by what it holds, whatever its name."""

import gzip
import io
import json
import pickletools
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_NAMES = (".pkl", ".pickle", ".joblib", ".p", ".dill", ".hkl")
_DEEPEST = 4
_MARKS = {
    b"arrow.py_extension_type": "a type of Arrow that is a pickle",
    b'"id": "pickle"': "a codec of Zarr that pickles",
    b'"name": "pickle"': "a codec of Zarr that pickles",
}


def pickles_in(path: Path) -> list[str]:
    """Return where in a file there are pickles: its own path, or the path of a member in it."""
    if path.suffix in _NAMES:
        return [str(path)]
    if path.suffix == ".db":
        return [f"{path} {where}" for where in _in_database(path)]
    return [f"{path}{where}" for where in pickles_within(path.read_bytes())]


def pickles_within(content: bytes, where: str = "", *, depth: int = 0) -> Iterator[str]:
    """Yield the places of pickles in bytes: ``where`` itself, or members of archives in them."""
    if is_pickle(content) or _is_array_of_objects(content):
        yield where
        return
    for mark, what in _MARKS.items():
        if mark in content:
            yield f"{where} ({what})"
    if depth < _DEEPEST:
        for name, member in _members(content):
            yield from pickles_within(member, f"{where}!{name}", depth=depth + 1)


def is_pickle(content: bytes) -> bool:
    """Whether bytes are a pickle of any protocol, or begin with one, as old files of torch do."""
    if content[:1] != b"\x80" and content.rstrip()[-1:] != b".":
        return False
    steps = 0
    try:
        for step, _, place in pickletools.genops(io.BytesIO(content)):
            steps += 1
            if step.name == "STOP":
                return content[:1] == b"\x80" or (steps > 1 and place == len(content) - 1)
    except (ValueError, IndexError, KeyError, OverflowError, UnicodeDecodeError):
        pass
    return False


def _is_array_of_objects(content: bytes) -> bool:
    """Whether it is an ``.npy`` whose values are Python objects."""
    if not content.startswith(b"\x93NUMPY"):
        return False
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return bool(read(file)[2].hasobject)


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from ((name, archive.read(name)) for name in archive.namelist() if name[-1] != "/")
    elif content.startswith(b"\x1f\x8b"):
        yield "gzip", gzip.decompress(content)
    elif content[:2] in (b"\x78\x01", b"\x78\x9c", b"\x78\xda"):
        try:
            yield "zlib", zlib.decompress(content)
        except zlib.error:
            return
    elif content[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for entry in archive:
                if (file := archive.extractfile(entry)) is not None:
                    yield entry.name, file.read()


def _in_database(path: Path) -> Iterator[str]:
    """Yield tables with a value that is a pickle."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        tables = [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            for row in database.execute(f"select * from {json.dumps(table)}"):
                if any(is_pickle(value) for value in row if isinstance(value, bytes)):
                    yield table
