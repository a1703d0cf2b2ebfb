"""A synchronous client of an ASGI application in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp


class AsgiTransport(httpx.BaseTransport):
    """Runs each request in the portal's event loop and reads its answer whole."""

    def __init__(self, app: ASGIApp, portal: BlockingPortal) -> None:
        # A bug's answer is looked at like any other; pytest shows the exception that the app raised all the same.
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._portal = portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._portal.call(self._answer, request)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        answer = await self._transport.handle_async_request(sent)
        body = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


@contextmanager
def transport_to(app: ASGIApp) -> Iterator[AsgiTransport]:
    """Opens an event loop for the application."""
    with start_blocking_portal() as portal:
        yield AsgiTransport(app, portal)
