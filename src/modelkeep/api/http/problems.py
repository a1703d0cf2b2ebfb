"""Error answers in the shape of RFC 9457 (Problem Details for HTTP APIs)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
HUB_MESSAGE = "X-Error-Message"
"""The header that clients of the Hub show; for answers given before it is known whose address it is."""


def problem_body(
    status: int,
    code: str,
    detail: str,
    *,
    fields: Mapping[str, object] | None = None,
    request_id: str | None = None,
    kind: str | None = None,
) -> dict[str, Any]:
    """Returns the members of a problem document.

    Args:
        status: The HTTP status of the answer.
        code: The error's stable identifier; it also makes ``type``.
        detail: What was wrong, where, and what to do next.
        fields: Details for programs, JSON-compatible.
        request_id: The id under which the logs know the request.
        kind: The kind of error that ``code`` belongs to, where it is one of the hub's own.
    """
    return {
        "type": f"urn:modelkeep:error:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "kind": kind,
        "fields": dict(fields or {}),
        "request_id": request_id,
    }


class ProblemResponse(JSONResponse):
    """A problem document as an answer; the arguments are those of :func:`problem_body`, and more headers."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        fields: Mapping[str, object] | None = None,
        request_id: str | None = None,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        body = problem_body(status, code, detail, fields=fields, request_id=request_id, kind=kind)
        super().__init__(
            body, status_code=status, headers={"cache-control": "no-store"} | dict(headers or {})
        )
