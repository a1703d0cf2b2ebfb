"""Routing on the path as it was sent: an encoded slash is data, not a separator.

A server decodes the path before the application sees it, and ``main%2Fold`` (one revision) becomes
``main/old`` (two segments). This middleware decodes ``scope["raw_path"]`` again, leaving ``%2F`` and ``%25``
encoded in ``scope["path"]``. Routes match on that; a handler finishes each parameter with :func:`segment`. So
what a client percent-encodes arrives as it was before, and no two different segments look the same.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from modelkeep.api.http.problems import HUB_MESSAGE, ProblemResponse
from modelkeep.api.http.request_id import request_id_of
from modelkeep.domain.errors import InvalidInput

PATH_BYTES = 8192
"""The longest path accepted, in bytes as sent."""

_MALFORMED = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def segment(value: str) -> str:
    """Finishes the decoding of a path parameter matched under :class:`RawPathMiddleware`."""
    return value.replace("%2F", "/").replace("%25", "%")


def routing_path(raw: bytes) -> str:
    """Decodes a raw path up to ``%2F`` and ``%25``.

    Raises:
        InvalidInput: It is too long, has a malformed escape, is no UTF-8, holds control characters, or has a
            segment ``.`` or ``..``, encoded or not.
    """
    if len(raw) > PATH_BYTES:
        raise InvalidInput(f"The path is longer than {PATH_BYTES} bytes.", code="path_too_long")
    if not raw.startswith(b"/"):
        raise _refusal("it does not begin with a slash")
    if _MALFORMED.search(raw):
        raise _refusal(
            "a percent sign is not followed by two hexadecimal digits; write %25 for a percent sign"
        )
    return "/".join(_routing_segment(part) for part in raw.split(b"/"))


def _routing_segment(raw: bytes) -> str:
    try:
        value = unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise _refusal("it is not UTF-8") from None
    if _CONTROL.search(value):
        raise _refusal("it holds control characters")
    if any(piece in (".", "..") for piece in value.split("/")):
        raise _refusal('it has a segment "." or ".."')
    return value.replace("%", "%25").replace("/", "%2F")


def _refusal(reason: str) -> InvalidInput:
    return InvalidInput(f"The path of this address cannot be served: {reason}.", code="invalid_path")


class RawPathMiddleware:
    """Sets ``scope["path"]`` from ``scope["raw_path"]`` as the module says; answers 400 where it refuses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        raw: bytes = scope["raw_path"].split(b"?", 1)[0]
        try:
            scope["path"] = routing_path(raw)
        except InvalidInput as error:
            answer = ProblemResponse(
                400,
                error.code,
                error.message,
                request_id=request_id_of(scope),
                headers={HUB_MESSAGE: error.message},
            )
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)
