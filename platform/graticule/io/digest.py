"""What a command is given: which inputs a pattern means, and whether they have changed."""

import glob
import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from graticule.core.errors import InputError
from graticule.core.movie import Movie
from graticule.io import places
from graticule.io.natural import natural_key

_END_BYTES = 1 << 20
_THREADS = 4
_ZARR_METADATA = ("zarr.json", ".zgroup", ".zattrs", ".zarray")


def inputs(patterns: list[str]) -> list[str]:
    """Return the paths that patterns mean, each once: globs expanded in natural order.

    Raises:
        InputError: If a glob matches nothing, or there is no pattern.
    """
    if not patterns:
        raise InputError("no input is given; name a movie, a folder of frames or a glob")
    found = [path for pattern in patterns for path in _expanded(pattern)]
    return list(dict.fromkeys(found))


def input_digest(movie: Movie) -> str:
    """Return a sha256 that changes when a file of the movie does, without a full read.

    It covers name, size, modification time (ns) and first and last MiB of each file; of a
    Zarr folder the metadata, and the names and sizes of the chunks.

    Raises:
        InputError: If a file is gone or cannot be read.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        return hashlib.sha256(b"".join(pool.map(_digest, movie.files))).hexdigest()


def _digest(path: str) -> bytes:
    digest = hashlib.sha256()
    parts = _folder_parts(path) if places.kind_of(path) == "folder" else _file_parts(path)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.digest()


def _expanded(pattern: str) -> list[str]:
    if not glob.has_magic(pattern) or places.kind_of(places.located(pattern)) != "missing":
        return [pattern]
    if places.is_url(pattern):
        system, key = places.filesystem(pattern)
        with places.readable(pattern):
            found = [system.unstrip_protocol(name) for name in system.glob(key)]
    else:
        found = glob.glob(os.path.expanduser(pattern), recursive=True)
    if not found:
        raise InputError(f"{pattern} matches no file; check the pattern, and quote it")
    return sorted(found, key=natural_key)


def _file_parts(path: str) -> Iterator[bytes]:
    size, changed = _size_and_time(path)
    yield json.dumps([places.base_name(path), size, changed]).encode()
    yield _bytes(path, 0, min(size, _END_BYTES))
    if size > _END_BYTES:
        start = max(_END_BYTES, size - _END_BYTES)
        yield _bytes(path, start, size - start)


def _size_and_time(path: str) -> tuple[int, str]:
    with places.readable(path):
        if not places.is_url(path):
            status = os.stat(path)
            return status.st_size, str(status.st_mtime_ns)
        system, key = places.filesystem(path)
        facts = system.info(key)
        stamp = facts.get("ETag") or facts.get("LastModified") or facts.get("mtime") or facts.get("created")
        return int(facts["size"]), str(stamp)


def _bytes(path: str, start: int, count: int) -> bytes:
    content = bytearray(count)
    got = places.read_into(path, start, memoryview(content))
    return bytes(content[:got])


def _folder_parts(path: str) -> Iterator[bytes]:
    is_group = False
    for name in _ZARR_METADATA:
        file = places.joined(path, name)
        if places.kind_of(file) != "file":
            continue
        content = places.read_whole(file)
        is_group |= name == ".zgroup" or (name == "zarr.json" and _node_type(content) == "group")
        yield json.dumps([places.base_name(path), name]).encode()
        yield content
    if not is_group:
        yield json.dumps(sorted(_sizes(path))).encode()


def _sizes(folder: str) -> Iterator[tuple[str, int]]:
    if places.is_url(folder):
        system, key = places.filesystem(folder)
        with places.readable(folder):
            found = system.find(key, detail=True)
        yield from ((name.removeprefix(key), int(facts["size"])) for name, facts in found.items())
        return
    for parent, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(parent, name)
            yield os.path.relpath(file, folder), os.path.getsize(file)


def _node_type(content: bytes) -> str | None:
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found.get("node_type") if isinstance(found, dict) else None
