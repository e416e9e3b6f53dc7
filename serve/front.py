"""What stands before Ray Serve's proxy: bodies are bounded, and what the proxy itself says is a problem.

The proxy reads a body as fast as it comes, however slowly a replica takes it, and answers a lost
replica in plain text or not at all. Named by ``RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH``.
"""

import os
import uuid
from collections.abc import MutableMapping
from typing import Any

from starlette.middleware import Middleware

from serve.bodies import LARGE_BYTES, give_back_later, too_large
from serve.guard import App, Receive, Scope, Send, refuse
from serve.problems import Problem, busy
from serve.settings import ServeSettings

MOST_VARIABLE = "GRATICULE_SERVE_MOST_BYTES"
"""Most of any body, where settings allow more than they do by default."""
_FORM_BYTES = 2**20


def most_bytes(settings: ServeSettings) -> int:
    """Return the most bytes of any body: a file's, and those of the form around it."""
    return max(settings.movie_bytes, settings.image_bytes) + _FORM_BYTES


def middlewares() -> list[Middleware]:
    """Return what the proxy is wrapped in."""
    most = int(os.environ.get(MOST_VARIABLE) or most_bytes(ServeSettings()))
    return [Middleware(Front, most=most)]  # type: ignore[arg-type]


class Front:
    """Counts bodies, and puts problems in place of what the proxy says where no replica has answered."""

    def __init__(self, app: App, *, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        arrived = 0

        async def counted() -> dict[str, Any]:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > self._most:
                answer.instead = too_large(arrived, self._most, over=True)
                return {"type": "http.disconnect"}
            return message

        announced = dict(scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self._most:
            await refuse(send, too_large(int(announced), self._most), uuid.uuid4().hex)
            return
        try:
            await self._app(scope, counted, answer)
            await answer.finish()
        finally:
            if arrived >= LARGE_BYTES:
                give_back_later()


class _Answer:
    """An answer on its way out, from a replica or from the proxy itself."""

    def __init__(self, send: Send) -> None:
        self._send, self._begun, self._silent = send, False, False
        self.instead: Problem | None = None

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """Pass a message on, unless the proxy speaks for itself."""
        if message["type"] == "http.response.start":
            self._begun = True
            ours = any(name.lower() == b"x-content-type-options" for name, _ in message.get("headers", ()))
            if (not ours and message["status"] >= 500) or (message["status"] == 408 and not ours):
                self._silent = True
                self.instead = self.instead or _said(message["status"])
                return
        if not self._silent:
            await self._send(dict(message))

    async def finish(self) -> None:
        """Say what the proxy did not."""
        if self._silent or not self._begun:
            problem = self.instead or Problem("replica-lost", "the worker of this request is gone; ask again")
            await refuse(self._send, problem, uuid.uuid4().hex)


def _said(status: int) -> Problem:
    if status == 503:
        return busy("no worker can take the request now")
    if status in (408, 504):
        return Problem("too-long", "the time limit is over; ask for less at once")
    return Problem("replica-lost", "the worker of this request is gone; ask again")
