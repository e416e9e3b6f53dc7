"""Failures of disks and object stores, told in one line.

zarr raises ``OSError``, zarrs ``RuntimeError`` with the system's words inside, obstore and
botocore their own trees: what is wrong is read from the error number where there is one.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from graticule.core.errors import GraticuleError, StorageError

_NUMBER = re.compile(r"(?:os error|\[errno) (\d+)", re.IGNORECASE)
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_IN_THE_WAY = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR}
_REMOTE_MODULES = ("obstore", "botocore", "aiohttp")
_DAMAGE = ("checksum", "smaller than the expected size of its index", "shard index")
_LONGEST = 200


@contextmanager
def storage_errors(place: str) -> Iterator[None]:
    """Turn failures of the storage at ``place`` into one line with a remedy.

    Raises:
        StorageError: If the place is full, read-only, forbidden, not reachable, or holds a
            damaged chunk. Anything else passes unchanged.
    """
    try:
        yield
    except GraticuleError:
        raise
    except Exception as error:
        message = _diagnosis(error)
        if message is None:
            raise
        raise StorageError(f"{place}: {message}") from error


def _diagnosis(error: Exception) -> str | None:
    number = _error_number(error)
    text = str(error)
    if number in _FULL:
        return "no space left; free some space or choose another --out, then run the same command again"
    if number == errno.EROFS:
        return "the file system is read-only; choose another --out"
    if number in _FORBIDDEN or isinstance(error, PermissionError):
        return "not allowed to write or read here; change the permissions or choose another --out"
    if "NoSuchBucket" in text or "bucket does not exist" in text:
        return "the bucket does not exist; create it or choose another --out"
    if _is_remote(error):
        said = _first_line(text)
        return f"the object store refused or did not answer ({said}); check AWS_ENDPOINT_URL and keys"
    if number in _IN_THE_WAY:
        return "a file lies where a folder should be, or the reverse; choose another place, or move it"
    if number == errno.ENOENT:
        return "the folder is gone or cannot be made; choose another --out"
    if number == errno.ENAMETOOLONG:
        return "the name is too long for the file system; choose a shorter --out"
    if number == errno.EIO:
        return "the disk reports an input/output error; check it or choose another --out"
    if isinstance(error, RuntimeError | ValueError) and any(word in text for word in _DAMAGE):
        return f"a chunk is damaged ({_first_line(text)}); run again with --overwrite"
    return None


def _error_number(error: Exception) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = _NUMBER.search(str(error))
    return int(found.group(1)) if found else None


def _is_remote(error: Exception) -> bool:
    modules = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return bool(modules & set(_REMOTE_MODULES)) or isinstance(error, ConnectionError | TimeoutError)


def _first_line(text: str) -> str:
    line = (text.strip().splitlines() or [""])[0].strip()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
