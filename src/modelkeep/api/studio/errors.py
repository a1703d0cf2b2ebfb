"""From domain errors to answers that DVC shows to people: a status and a line of text."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

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


def response(error: ModelkeepError) -> Response:
    """The answer for an error."""
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(error.retry_after)
    return PlainTextResponse(error.message, status, headers)
