"""From domain errors to LFS answers.

There are two tables. For batch and locks a bad request is a 422, as the specification has it. On a transfer it is a
400, because the client takes a 422 on PUT or verify for success, and would push a pointer without its object.
"""

from __future__ import annotations

import json

from starlette.responses import Response

from modelkeep.api.http.credentials import CHALLENGE
from modelkeep.api.lfs.render import MEDIA_TYPE
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

API_STATUS: dict[type[ModelkeepError], int] = {
    InvalidInput: 422,
    Unauthenticated: 401,
    NotPermitted: 403,
    NotFound: 404,
    AlreadyExists: 409,
    Conflict: 409,
    TooLarge: 413,
    RateLimited: 429,
    Unavailable: 503,
}
"""Statuses of batch and locks."""

TRANSFER_STATUS: dict[type[ModelkeepError], int] = API_STATUS | {InvalidInput: 400, Unauthenticated: 403}
"""Statuses of transfers and verify: never 422; a ticket whose owner lost the right is a 403, not a log-in prompt."""


def response(
    error: ModelkeepError, statuses: dict[type[ModelkeepError], int], request_id: str, **extra: object
) -> Response:
    """The answer for an error."""
    status = next(code for kind, code in statuses.items() if isinstance(error, kind))
    headers = {}
    if status == 401:
        headers = {"LFS-Authenticate": CHALLENGE, "WWW-Authenticate": CHALLENGE}
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(error.retry_after)
    body = {"message": error.message, "request_id": request_id, "code": error.code, **extra}
    return Response(json.dumps(body), status, headers, MEDIA_TYPE)
