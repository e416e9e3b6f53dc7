"""Text without the keys that may stand in it: passwords in addresses, signatures in queries, bearers.

Whoever gives ``https://lab:word@host/movie.mrc?X-Amz-Signature=…`` needs it to read the movie;
records, pages, logs and messages say ``https://host/movie.mrc``.
"""

import logging
import re
import sys
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any

_USER = re.compile(r"(?P<scheme>\b(?!models:)[a-z][a-z0-9+.\-]*://)[^\s/?#'\"<>]*@", re.IGNORECASE)
_QUERY = re.compile(r"[?#](?P<pairs>[^\s'\"<>?#]*=[^\s'\"<>#]*?)(?=[.,:;)\]}]*(?:[\s'\"<>#]|$))")
_BEARER = re.compile(r"(?P<kind>\bbearer|authorization\W{1,4}\w+)\s+[\w.~+/=\-]{6,}", re.IGNORECASE)
_NAME = re.compile(
    r"sig|token|key|secret|pass|pwd|cred|auth|policy|expires|session|jwt|accessid|^x-\w+-|^code$"
    r"|^s(e|p|v|r|t|s|rt|pr|ip|ke|kt|ks|kv|koid|ktid|kn)$",
    re.IGNORECASE,
)
"""What names of keys hold in presigned URLs of S3 and GCS, in databases' and in repositories'; the
last line are the names of a shared access signature of Azure."""
_LONGEST = 32
"""Letters and digits in a row; a longer value is taken for a key, whatever its name."""


def without_keys(text: str) -> str:
    """Return a text whose addresses have no user, password, signature or token."""
    return _BEARER.sub(r"\g<kind> …", _QUERY.sub(_open_pairs, _USER.sub(r"\g<scheme>", text)))


def keyless(value: Any) -> Any:
    """Return a value as JSON can say it, with :func:`without_keys` for every text in it."""
    if isinstance(value, str):
        return without_keys(value)
    if isinstance(value, Mapping):
        return {keyless(name): keyless(part) for name, part in value.items()}
    return [keyless(part) for part in value] if isinstance(value, list | tuple) else value


def log_without_keys(*, level: int, form: str) -> None:
    """Have this process log on stderr, and tell of errors nobody foresaw, without keys.

    Args:
        level: Of all loggers that have none of their own.
        form: Of a line, as :mod:`logging` has it.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Keyless(form))
    logging.basicConfig(level=level, handlers=[handler])
    sys.excepthook = _told


class _Keyless(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_keys(super().format(record))


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(without_keys("".join(traceback.format_exception(kind, error, trace))))


def _open_pairs(found: re.Match[str]) -> str:
    pairs = [pair for pair in found["pairs"].split("&") if not _is_key(pair)]
    return f"{found[0][0]}{'&'.join(pairs)}" if pairs else ""


def _is_key(pair: str) -> bool:
    name, _, value = pair.partition("=")
    return _NAME.search(name) is not None or len(value) > _LONGEST
