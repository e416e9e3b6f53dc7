"""What every request passes: its id and time, the gate, and headers that keep a browser safe."""

import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from serve.gate import Gate
from serve.measures import Measures
from serve.problems import MEDIA_TYPE, Problem

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)

POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
"""Nothing from another origin, no script within the page's own text."""
_SAFE = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"content-security-policy": POLICY.encode(),
}


class Guard:
    """The outermost layer of the application but for CORS, which a browser needs on refusals too.

    Args:
        app: Asked if the request may pass.
        gate: Says so.
        measures: Told of every answer.
    """

    def __init__(self, app: App, *, gate: Gate, measures: Measures) -> None:
        self._app, self._gate, self._measures = app, gate, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, began, status = uuid.uuid4().hex, time.perf_counter(), 0
        scope.setdefault("state", {})["request_id"] = request_id

        async def answer(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = dict(message.get("headers", ()))
                extra = [(name, value) for name, value in _SAFE.items() if name not in own]
                message = {**message, "headers": [*message.get("headers", ()), *extra, _id(request_id)]}
            await send(message)

        with self._measures.in_flight():
            try:
                problem = self._gate.refusal(scope)
                if problem is None:
                    await self._app(scope, receive, answer)
                else:
                    await refuse(answer, problem, request_id)
            except Exception:  # a fault of ours: the log has it, and the client an id to name it by
                log.exception("request %s failed", request_id)
                if status:
                    raise
                told = Problem("failed", "the server failed at this request; its log has more, by the id")
                await refuse(answer, told, request_id)
            finally:
                seconds = time.perf_counter() - began
                self._measures.answered(_route(scope), str(scope["method"]), status, seconds)


async def refuse(send: Send, problem: Problem, request_id: str) -> None:
    """Answer with a problem."""
    body = json.dumps(problem.body(request_id)).encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    headers += [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _id(request_id: str) -> tuple[bytes, bytes]:
    return b"x-request-id", request_id.encode()


def _route(scope: Scope) -> str:
    """Return the path's pattern: there are few of them, whatever clients ask for."""
    route = scope.get("route")
    return str(getattr(route, "path", "other"))
