"""A synchronous client of an ASGI application in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp, Receive, Scope, Send


class AsgiTransport(httpx.BaseTransport):
    """Runs each request in the portal's event loop and reads its answer whole."""

    def __init__(self, app: ASGIApp, portal: BlockingPortal) -> None:
        self._app = app
        self._portal = portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._portal.call(self._answer, request)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        target = request.extensions.get("target")
        app = self._app if target is None else _with_target(self._app, target)
        # A bug's answer is looked at like any other.
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        answer = await transport.handle_async_request(sent)
        body = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


def _with_target(app: ASGIApp, target: bytes) -> ASGIApp:
    """The application, asked for exactly this path, as a server would hand it on."""
    raw, _, query = target.partition(b"?")

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        path = unquote(raw, errors="replace")
        await app({**scope, "raw_path": raw, "path": path, "query_string": query}, receive, send)

    return asked


@contextmanager
def transport_to(app: ASGIApp) -> Iterator[AsgiTransport]:
    """Opens an event loop for the application."""
    with start_blocking_portal() as portal:
        yield AsgiTransport(app, portal)
