"""Whether files have changed, without reading them."""

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from graticule.io import places

_THREADS = 8
_TIMES = ("ETag", "LastModified", "mtime", "created")


def digest_of(files: Iterable[str]) -> str:
    """Return a sha256 of the files' names, sizes and times of change, or entity tags.

    Raises:
        InputError: If a file is gone.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        return _sha256(list(pool.map(_stamp, files)))


def digest_below(folder: str) -> str:
    """Return a sha256 of names, sizes and times of all files below a folder."""
    system, key = places.filesystem(folder)
    with places.readable(folder):
        found = system.find(key, detail=True)
    return _sha256(
        [[name.removeprefix(key), facts["size"], _time(facts)] for name, facts in sorted(found.items())]
    )


def _stamp(path: str) -> list[Any]:
    system, key = places.filesystem(path)
    with places.readable(path):
        facts = system.info(key)
    return [places.base_name(path), facts["size"], _time(facts)]


def _time(facts: dict[str, Any]) -> str:
    return str(next((facts[name] for name in _TIMES if facts.get(name)), ""))


def _sha256(facts: list[list[Any]]) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
