"""The address under which a client reached the hub, for URLs in answers."""

from __future__ import annotations

import re

from starlette.requests import Request

from modelkeep.domain.errors import InvalidInput

_HOST = re.compile(r"[A-Za-z0-9.\-_]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?", re.ASCII)


def origin_of(request: Request, public_url: str | None) -> str:
    """The scheme and host (and path, of a ``public_url``) before every path of the hub, without a slash at the end.

    Raises:
        InvalidInput: The Host header is missing or no host.
    """
    if public_url is not None:
        return public_url
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise InvalidInput("The Host header names no host.", code="invalid_host")
    return f"{request.scope.get('scheme', 'http')}://{host}"
