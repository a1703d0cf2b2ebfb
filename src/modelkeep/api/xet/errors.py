"""From domain errors to what clients of the Xet store read: a status, and a JSON object with the reason.

Clients ask for another token after a 401, for another plan of a file after a 403 on its bytes, and stop probing behind
a file's end at a 416.
"""

from __future__ import annotations

from starlette.responses import JSONResponse

from modelkeep.api.http.plain_errors import STATUS
from modelkeep.domain.errors import ModelkeepError, RateLimited

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
