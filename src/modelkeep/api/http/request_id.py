"""An id for every request: in the logs, in every answer, in every error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import cast
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
_TRACE_HEADER = b"x-amzn-trace-id"  # What the Hub's clients send theirs in.

_ACCEPTED = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """Returns the id of the request being answered in this context, for logs; None outside of one."""
    return _current.get()


def request_id_of(scope: Scope) -> str | None:
    """Returns the id that the middleware gave to this request."""
    return cast(str | None, scope.get("state", {}).get("request_id"))


class RequestIdMiddleware:
    """Puts an id into ``scope["state"]["request_id"]``, the context and the answer's ``X-Request-Id``.

    A client's own id (``X-Request-Id``, or the ``X-Amzn-Trace-Id`` of the Hub's clients) is taken over if it has 8 to
    64 characters of ``A-Z a-z 0-9 _ -``; anything else is replaced: it might forge log lines.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _proposed(scope["headers"]) or uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [
                    (name, value) for name, value in message.get("headers", ()) if name.lower() != HEADER
                ]
                message = {**message, "headers": [*headers, (HEADER, request_id.encode("ascii"))]}
            await send(message)

        token = _current.set(request_id)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            _current.reset(token)


def _proposed(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    sent = [(name.lower(), value) for name, value in headers]
    for header in (HEADER, _TRACE_HEADER):
        values = [value for name, value in sent if name == header]
        if len(values) == 1 and _ACCEPTED.fullmatch(values[0]):
            return values[0].decode("ascii")
    return None
