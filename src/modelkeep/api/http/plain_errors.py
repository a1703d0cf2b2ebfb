"""From domain errors to what clients show to people as they get it: a status, and a line of plain text."""

from __future__ import annotations

from starlette.responses import PlainTextResponse

from modelkeep.api.http.credentials import CHALLENGE
from modelkeep.domain.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    ModelkeepError,
    NotFound,
    NotPermitted,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

STATUS: dict[type[ModelkeepError], int] = {
    InvalidInput: 400,
    Unauthenticated: 401,
    NotPermitted: 403,
    NotFound: 404,
    AlreadyExists: 409,
    Conflict: 409,
    TooLarge: 413,
    RateLimited: 429,
    Unavailable: 503,
}


def plain_error(error: ModelkeepError, text: str) -> PlainTextResponse:
    """The answer for an error, with ``text`` as its body."""
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(error.retry_after)
    return PlainTextResponse(text, status, headers)
