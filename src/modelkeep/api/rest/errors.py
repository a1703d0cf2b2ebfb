"""From domain errors, refused requests and bugs to problem documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from modelkeep.api.http.bodies import ClientGone
from modelkeep.api.http.credentials import CHALLENGE
from modelkeep.api.http.problems import ProblemResponse
from modelkeep.api.http.request_id import request_id_of
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

STATUS: Mapping[type[ModelkeepError], int] = {
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

STATUS_OF_CODE: Mapping[str, int] = {
    "invalid_authorization": 401,
    "invalid_content_length": 400,
    "invalid_cursor": 400,
    "invalid_json": 400,
    "invalid_limit": 400,
    "json_too_deep": 400,
}
"""Where the fault is in how the request is written, not in what it says: other statuses than their kind's."""

CLIENT_CLOSED_REQUEST = 499

_MOST_FAULTS = 20
_HTTP_CODES = {404: "no_such_endpoint", 405: "method_not_allowed", 415: "not_json"}
_DETAILS = {
    404: "There is nothing at this address; /api/v1/openapi.json lists what there is.",
    405: "This address does not take this method.",
}


def status_of(error: ModelkeepError) -> int:
    """The HTTP status of an error."""
    special = STATUS_OF_CODE.get(error.code)
    return special or next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def install(app: FastAPI, routes: Sequence[BaseRoute] = ()) -> None:
    """Makes every error answer of ``app`` a problem document.

    Args:
        app: The application.
        routes: All that it has, to say which methods an address takes.
    """

    async def http_error(request: Request, error: Exception) -> Response:
        allowed = (
            _methods(routes, request) if isinstance(error, HTTPException) and error.status_code == 405 else ()
        )
        return await _http_error(request, error, {"allow": ", ".join(allowed)} if allowed else {})

    app.add_exception_handler(ModelkeepError, _domain_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(ClientGone, _client_gone)
    app.add_exception_handler(Exception, _bug)


async def _domain_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ModelkeepError):  # pragma: no cover - Starlette's types say less than it does
        raise error
    status, headers = status_of(error), {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = CHALLENGE
    if isinstance(error, RateLimited):
        headers["retry-after"] = str(error.retry_after)
    return _problem(request, status, error.code, error.message, error.fields, headers, error.kind)


async def _validation_error(request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else ()
    in_body = all(fault["loc"][:1] == ("body",) for fault in faults)
    named = [_fault(fault) for fault in faults[:_MOST_FAULTS]]
    detail = "; ".join(f"{fault['field']}: {fault['problem']}" for fault in named[:5])
    status, code = (422, "invalid_input") if in_body else (400, "invalid_parameter")
    return _problem(request, status, code, f"{detail}.", {"errors": named}, {}, InvalidInput.kind)


async def _http_error(request: Request, error: Exception, headers: Mapping[str, str]) -> Response:
    if not isinstance(error, HTTPException):  # pragma: no cover - as above
        raise error
    code = _HTTP_CODES.get(error.status_code) or HTTPStatus(error.status_code).name.lower()
    detail = _DETAILS.get(error.status_code, error.detail)
    return _problem(request, error.status_code, code, detail, {}, {**(error.headers or {}), **headers})


def _methods(routes: Sequence[BaseRoute], request: Request) -> list[str]:
    """What this address takes: Starlette names only the methods of the first route that fits."""
    fitting = [
        route.methods or ()
        for route in routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    ]
    return sorted({method for methods in fitting for method in methods})


async def _client_gone(request: Request, error: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)  # nobody reads it


async def _bug(request: Request, error: Exception) -> Response:
    detail = "The hub failed to answer; this is a bug. Its operators find it in the log by this request's id."
    return _problem(request, 500, "internal_error", detail, {}, {})


def _problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    fields: Mapping[str, object],
    headers: Mapping[str, str],
    kind: str | None = None,
) -> ProblemResponse:
    request_id = request_id_of(request.scope)
    return ProblemResponse(
        status, code, detail, fields=fields, request_id=request_id, kind=kind, headers=headers
    )


def _fault(fault: Mapping[str, Any]) -> dict[str, str]:
    """One fault that pydantic found, without the value that was sent."""
    where: Sequence[object] = fault["loc"]
    names = [str(part)[:80] for part in where[1:]] or [str(where[0])]
    problem = {"extra_forbidden": "there is no such field", "missing": "is required"}.get(fault["type"])
    return {"field": ".".join(names), "problem": problem or str(fault["msg"])[:300]}
