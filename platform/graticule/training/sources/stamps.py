"""What stands for files: where they lie in their data set, their sizes and what they hold.

Neither when a file was written counts, nor where the data set lies, so that it may be copied,
moved or mounted elsewhere. A local file of up to :data:`WHOLE_BYTES` is read whole; of a larger
one blocks spread evenly, its ends among them: what changes between them, and leaves the size as
it was, is not seen. A remote file is not read. Its checksum or entity tag stands for it where the
store gives one, else its size alone, so that it is not known to be the same as a local copy.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from typing import Any

from graticule.io import places
from graticule.storage.experiment import Experiment

WHOLE_BYTES = 4 * 2**20
_BLOCKS, _BLOCK_BYTES = 64, 2**14
_THREADS = 8
_CHECKSUMS = ("md5Hash", "ETag", "etag")
"""What stores call a digest of an object, the surest first."""
_LENGTH = 32

Stamps = Mapping[str, str]
"""Name of a file in its data set, with the folders that it lies in there -> what stands for it."""


def stamps_of(files: Sequence[str]) -> Stamps:
    """Return what stands for files, which lie in the folder that they all share.

    Raises:
        InputError: If one is gone or cannot be read.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(_below_all(files), pool.map(_stamp, files), strict=True))


def stamps_of_experiment(experiment: Experiment, labels: str) -> Stamps:
    """Return what stands for a movie's attributes and for all files below a folder of its labels.

    Their names begin with the experiment's own, by which it is drawn to be held out.

    Raises:
        InputError: If a file cannot be read.
    """
    name = places.base_name(experiment.root)
    attributes = _digest(experiment.attributes.model_dump_json().encode())
    below = _stamps_below(experiment.path(labels))
    return {
        f"{name}/attributes": attributes,
        **{f"{name}/{labels}/{file}": stamp for file, stamp in below.items()},
    }


def digest_of(stamps: Stamps) -> str:
    """Return a sha256 of all of them."""
    return hashlib.sha256(json.dumps(list(stamps.items())).encode()).hexdigest()


def _below_all(files: Sequence[str]) -> list[str]:
    """Return the files' names below the deepest folder that holds them all."""
    parts = [path.split("/") for path in files]
    levels = zip(*(folders for *folders, _ in parts), strict=False)
    shared = len(list(takewhile(lambda level: len(set(level)) == 1, levels)))
    return ["/".join(part[shared:]) for part in parts]


def _stamps_below(folder: str) -> Stamps:
    system, key = places.filesystem(folder)
    with places.readable(folder):
        found = dict(sorted(system.find(key, detail=True).items()))
    names = [path.removeprefix(key).lstrip("/") for path in found]
    if places.is_url(folder):
        return dict(zip(names, map(_told, found.values()), strict=True))
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(names, pool.map(_read, found), strict=True))


def _stamp(path: str) -> str:
    if not places.is_url(path):
        return _read(path)
    system, key = places.filesystem(path)
    with places.readable(path):
        return _told(system.info(key))


def _told(facts: Mapping[str, Any]) -> str:
    """Return what stands for a remote file, of what its store says."""
    known = next((str(facts[name]) for name in _CHECKSUMS if facts.get(name)), "")
    return _digest(f"{facts['size']} {known}".encode())


def _read(path: str) -> str:
    """Return what stands for a local file."""
    with places.readable(path), open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.sha256(f"{size} ".encode())
        for start, count in _blocks(size):
            file.seek(start)
            digest.update(file.read(count))
    return digest.hexdigest()[:_LENGTH]


def _blocks(size: int) -> Iterator[tuple[int, int]]:
    """Yield start and length of what is read of a file."""
    if size <= WHOLE_BYTES:
        yield 0, size
        return
    for number in range(_BLOCKS):
        yield number * (size - _BLOCK_BYTES) // (_BLOCKS - 1), _BLOCK_BYTES


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_LENGTH]
