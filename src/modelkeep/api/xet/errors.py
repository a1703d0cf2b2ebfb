"""From domain errors to what clients of the Xet store read: a status, and a JSON object with the reason.

Clients ask for another token after a 401, for another plan of a file after a 403 on its bytes, and stop probing behind
a file's end at a 416.
"""

from __future__ import annotations

from starlette.responses import JSONResponse

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

_STATUS_BY_CODE = {"range_not_satisfiable": 416}


def xet_error(error: ModelkeepError, request_id: str) -> JSONResponse:
    """The answer for an error."""
    status = _STATUS_BY_CODE.get(error.code) or next(
        code for kind, code in STATUS.items() if isinstance(error, kind)
    )
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(error.retry_after)
    body = {"error": error.message, "code": error.code, "request_id": request_id}
    return JSONResponse(body, status, headers)
