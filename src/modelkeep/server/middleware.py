"""What surrounds every request: the client's real address, the access log, figures, and the last resort for errors."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelkeep.api.http.bodies import ClientGone
from modelkeep.api.http.problems import HUB_MESSAGE, ProblemResponse
from modelkeep.api.http.request_id import request_id_of
from modelkeep.server.metrics import Metrics

_LOG = structlog.get_logger("access")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})

_BUFFERED = 16 << 10
"""So much of a body the server has read by itself before it answers."""


class TrustedProxies:
    """Takes the client's address and scheme from ``X-Forwarded-For`` and ``-Proto`` where a known proxy sent them.

    Args:
        app: What is inside.
        networks: Addresses and networks of the proxies.
    """

    def __init__(self, app: ASGIApp, networks: Sequence[str]) -> None:
        self._app = app
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if (
            scope["type"] == "http"
            and self._networks
            and scope.get("client")
            and self._trusts(scope["client"][0])
        ):
            headers = Headers(scope=scope)
            address = self._client(headers.getlist("x-forwarded-for"))
            if address is not None:
                scope["client"] = (address, 0)
            if headers.get("x-forwarded-proto") in ("http", "https"):
                scope["scheme"] = headers["x-forwarded-proto"]
        await self._app(scope, receive, send)

    def _client(self, values: Sequence[str]) -> str | None:
        hops = [hop.strip() for value in values for hop in value.split(",") if hop.strip()]
        # From the nearest hop outwards: the first that is no proxy of ours is the client.
        for hop in reversed(hops):
            if not _is_address(hop):
                return None
            if not self._trusts(hop):
                return hop
        return hops[0] if hops else None

    def _trusts(self, address: str) -> bool:
        return _is_address(address) and any(ipaddress.ip_address(address) in net for net in self._networks)


class UnreadBodies:
    """Tells clients that the connection ends, where an answer comes before a large body was read.

    The server closes it then; a client that is not told sends its next request into a closed connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or not _has_large_body(scope):
            await self._app(scope, receive, send)
            return
        is_read = False

        async def watch_body() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = is_read or not message.get("more_body", False)
            return message

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and not is_read:
                headers = [one for one in message.get("headers", ()) if one[0].lower() != b"connection"]
                message = {**message, "headers": [*headers, (b"connection", b"close")]}
            await send(message)

        await self._app(scope, watch_body, watch)


class Observed:
    """Logs and counts every request, and turns an unforeseen exception into a problem with the request's id.

    The log has the path without its query, which may hold a signed ticket.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, sent = time.monotonic(), 0, 0

        async def watch(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id_of(scope))
        try:
            with self._metrics.in_flight.track_inprogress():
                await self._app(scope, receive, watch)
        except ClientGone:
            status = status or 499
        except Exception:
            structlog.get_logger("server").exception("request_failed", path=scope["path"])
            if status == 0:
                message = "The hub made a mistake. Tell its administrator the request id."
                answer = ProblemResponse(
                    500,
                    "internal_error",
                    message,
                    request_id=request_id_of(scope),
                    headers={HUB_MESSAGE: message},
                )
                await answer(scope, receive, watch)
        finally:
            self._finish(scope, status or 499, time.monotonic() - started, sent)
            structlog.contextvars.unbind_contextvars("request_id")

    def _finish(self, scope: Scope, status: int, seconds: float, sent: int) -> None:
        route = getattr(scope.get("route"), "path", None) or "unmatched"
        self._metrics.observe(scope["method"], route, status, seconds)
        if scope["path"] in _QUIET:
            return
        client = scope.get("client")
        _LOG.info(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            seconds=round(seconds, 4),
            sent=sent,
            address=client[0] if client else "",
        )


def _has_large_body(scope: Scope) -> bool:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    length = headers.get(b"content-length", b"")
    return b"transfer-encoding" in headers or (
        length.isdigit() and (len(length) > 9 or int(length) > _BUFFERED)
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
