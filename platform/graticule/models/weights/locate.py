"""Where weights lie: built in, a path, a URL, or a registered model -> a local file."""

import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from graticule.core.errors import ConfigError, InputError
from graticule.experiments import models as registry
from graticule.experiments.address import SCHEME
from graticule.io import places
from graticule.models.weights import cache

BUILTIN = "builtin"
BUILTIN_FOLDER = Path(__file__).parents[1] / "builtin"
_STATE = ("ETag", "Content-MD5", "Digest", "Last-Modified", "LastModified", "mtime", "md5Hash", "created")


def has_builtin(name: str) -> bool:
    """Whether this version ships weights for the network called ``name``."""
    return bool(_parts(name))


def resolve(weights: str) -> str:
    """Return ``weights`` in a form that means the same to every worker for as long as a job runs.

    An alias becomes the version it stands for now, a path absolute.

    Raises:
        ConfigError: If nothing of that name is registered, or the name is empty.
    """
    if not weights.strip():
        raise ConfigError("the weights are named by nothing; give a FILE, URL or models:/name@alias")
    if weights == BUILTIN:
        return weights
    if weights.startswith(SCHEME):
        return registry.resolve(weights)
    return places.located(weights if places.is_url(weights) else os.path.expanduser(weights))


def locate(name: str, weights: str, *, sha256: str | None = None) -> Path:
    """Return the local file of the weights of a network; what is far away is fetched once.

    Args:
        name: The network, for ``builtin``.
        weights: ``builtin``, a path, any fsspec URL, or ``models:/name@alias``.
        sha256: What the file holds, where that is known: a kept copy is then not asked for again.

    Raises:
        ConfigError: If none are shipped or registered under that name.
        InputError: If there is no such file, or it is a folder, or cannot be fetched.
    """
    where = weights if weights.startswith(SCHEME) else resolve(weights)
    if where == BUILTIN:
        return _builtin(name)
    if not (where.startswith(SCHEME) or places.is_url(where)):
        return _file(where)
    known = cache.kept(sha256.lower()) if sha256 else None
    return known or (_registered(where) if where.startswith(SCHEME) else _fetched(where))


def _builtin(name: str) -> Path:
    if not has_builtin(name):
        raise ConfigError(
            f"{name} ships no weights in this version; give --weights FILE, URL or models:/name@alias"
        )
    parts = _parts(name)
    return parts[0] if len(parts) == 1 else cache.joined(parts)


def _parts(name: str) -> list[Path]:
    """Return the file of a network's shipped weights, or its parts in order, or nothing."""
    whole = BUILTIN_FOLDER / f"{name}.safetensors"
    return [whole] if whole.is_file() else sorted(BUILTIN_FOLDER.glob(f"{whole.name}.[0-9]"))


def _file(path: str) -> Path:
    kind = places.kind_of(path)
    if kind == "missing":
        raise InputError(f"{path}: no such weights file; check the path")
    if kind == "folder":
        raise InputError(f"{path} is a folder; name the weights file in it")
    return Path(path)


def _registered(uri: str) -> Path:
    folder = registry.fetch(uri)
    found = sorted(folder.rglob("*.safetensors"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise InputError(f"{uri} should hold one .safetensors file, it holds: {names}; register it again")
    digest = cache.file_sha256(found[0])
    return cache.kept(digest) or cache.keep(partial(shutil.copyfile, found[0]))


def _fetched(url: str) -> Path:
    with places.readable(url):
        system, key = places.filesystem(url)
        note = _note(url, system.info(key))
        known = cache.noted(note) if note else None
        if known is not None:
            return known
        # in one stream: not every web server can be asked for a part of a file
        return cache.keep(lambda path: system.get_file(key, str(path)), note=note)


def _note(url: str, info: dict[str, Any]) -> str | None:
    """Return what tells this state of a remote file from others; ``None`` if its store tells nothing."""
    if info.get("type") == "directory":
        raise InputError(f"{url} is a folder; name the weights file in it")
    state = {name: str(info[name]) for name in _STATE if info.get(name)}
    return json.dumps([url, info.get("size"), state], sort_keys=True) if state else None
