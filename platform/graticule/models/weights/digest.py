"""What weights hold, as a digest: it names them in the record of a run."""

from functools import lru_cache
from pathlib import Path

from graticule.io.places import readable
from graticule.models.weights.cache import file_sha256
from graticule.models.weights.locate import locate


def weights_sha256(name: str, weights: str, *, known: str | None = None) -> str:
    """Return the sha256 of a network's weights file, in hex.

    Args:
        name: The network, for ``builtin``.
        weights: ``builtin``, a path, any fsspec URL, or ``models:/name@alias``.
        known: What it was before; a kept copy of what is far away is then not asked for again.

    Raises:
        ConfigError: If none are shipped or registered under that name.
        InputError: If they cannot be had.
    """
    return sha256_of(locate(name, weights, sha256=known))


def sha256_of(path: Path) -> str:
    """Return the sha256 of a local file; read again only where it has changed.

    Raises:
        InputError: If it cannot be read.
    """
    with readable(str(path)):
        seen = path.stat()
        return _sha256(path, seen.st_size, seen.st_mtime_ns, seen.st_ino)


@lru_cache(maxsize=64)
def _sha256(path: Path, size: int, mtime_ns: int, inode: int) -> str:
    return file_sha256(path)
