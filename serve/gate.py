"""Who may ask: those with the token, and no page of another origin.

A server on this machine without a token is in reach of every page that its user visits: a form needs no
preflight (Fetch standard, 2.2.2), and a name that its owner rebinds to 127.0.0.1 makes the page one of
the server's own origin. Such a request still bears the page's ``Origin`` or that name as its ``Host``.
"""

import hmac
import socket
from collections.abc import Mapping
from functools import cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from serve.problems import Problem
from serve.settings import ServeSettings

OPEN = ("/", "/healthz", "/readyz", "/openapi.json", "/docs")
"""Paths without the token; files of the page are open too: they hold nothing of anybody's."""
PAGE = "/page/"
_SAFE = ("GET", "HEAD", "OPTIONS")
_PORTS = {"http": 80, "https": 443, "": None}

Place = tuple[str, int | None]
"""Host and port."""


class Gate:
    """Decides by headers alone, before anything of the body is read.

    Args:
        settings: Other hosts and origins that are welcome.
        token: That requests must bear; ``None`` where none is asked for.
    """

    def __init__(self, settings: ServeSettings, *, token: bytes | None) -> None:
        self._token, self._origins = token, settings.cors_origins
        self._hosts = {host.lower() for host in settings.hosts}

    def refusal(self, scope: Mapping[str, Any]) -> Problem | None:
        """Return why a request may not pass; ``None`` if it may."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if self._token is None and host and not self._is_own(host):
            return Problem(
                "foreign",
                f"Host {host[:60]!r} is no name of this server; start it with a token, or --set hosts=NAME",
            )
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and scope["method"] not in _SAFE and not self._is_welcome(origin, host):
            return Problem(
                "foreign",
                f"pages of {origin[:60]!r} may not ask; start it with --set cors_origins=ORIGIN",
            )
        return None if self._bears_token(scope, headers) else _no_token()

    def _is_own(self, host: str) -> bool:
        name, _ = _place(host)
        return _is_address(name) or name in {"localhost", *_own_names(), *self._hosts}

    def _is_welcome(self, origin: str, host: str) -> bool:
        if "*" in self._origins or origin in self._origins:
            return True
        scheme, _, place = origin.partition("://")
        # A proxy with TLS before this server makes http of https: the host and its port decide.
        theirs, ours = _place(place, scheme), _place(host, scheme)
        both_here = _is_loopback(theirs[0]) and _is_loopback(ours[0])
        return scheme in ("http", "https") and (theirs == ours or (both_here and theirs[1] == ours[1]))

    def _bears_token(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> bool:
        path = scope["path"]
        if self._token is None or path in OPEN or path.startswith(PAGE) or scope["method"] == "OPTIONS":
            return True
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        # Both are compared whatever the first says, and in the same time whatever they hold.
        return hmac.compare_digest(given.strip(), self._token) and scheme.lower() == b"bearer"


def _place(host: str, scheme: str = "") -> Place:
    """Return the name and port of ``host:port``; the name is empty if it is none."""
    try:
        parts = urlsplit(f"//{host}")
        return (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(scheme)
    except ValueError:
        return "", None


def _is_address(name: str) -> bool:
    """Return whether a host is an address rather than a name: nobody can rebind it."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return name == "localhost" or (_is_address(name) and ip_address(name).is_loopback)


@cache
def _own_names() -> tuple[str, ...]:
    name = socket.gethostname().lower()
    return name, name.partition(".")[0]


def _no_token() -> Problem:
    return Problem(
        "unauthorised",
        "the request bears no valid token; send it as: Authorization: Bearer TOKEN",
        headers={"WWW-Authenticate": 'Bearer realm="graticule"'},
    )
