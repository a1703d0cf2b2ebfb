"""Gated repos: asking for access, and answering."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.http.bodies import parse_json
from modelkeep.api.hub.bodies import text_in
from modelkeep.api.hub.calls import Call, api, ok, page
from modelkeep.api.hub.render import Json, date_text
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.gating import AccessRequest, AccessStatus
from modelkeep.domain.paging import PageRequest, decode_cursor

_PAGE, _MOST = 100, 1000
_LONGEST_BODY = 128 << 10
_BASE = "/user-access-request"


def routes() -> list[Route]:
    """The routes of this module."""
    return [
        *api(f"{_BASE}/handle", _handle, "POST"),
        *api(f"{_BASE}/grant", _grant, "POST"),
        *api(f"{_BASE}/{{status}}", _list),
        *api("/ask-access", _ask, "POST"),
        *page("/ask-access", _ask, "POST"),
    ]


async def _ask(call: Call) -> Response:
    fields = _fields(call.request.headers.get("content-type", ""), await call.body(_LONGEST_BODY))
    made = await call.write(call.services.gating.ask, call.actor, call.namespace, call.repo, fields)
    return ok({"status": str(made.status)})


async def _list(call: Call) -> Response:
    cursor = call.query("cursor")
    asked = PageRequest(call.limit(_PAGE, _MOST), decode_cursor(cursor) if cursor else None)
    status = AccessStatus.parse(call.part("status"))
    found = await call.run(call.services.gating.list, call.actor, call.namespace, call.repo, status, asked)
    return ok([_request(one) for one in found.items], 200, call.next_page(found.next_cursor))


async def _handle(call: Call) -> Response:
    body = await call.json(_LONGEST_BODY)
    request_id = _id(text_in(body, "requestId")) if body.get("requestId") is not None else None
    made = await call.write(
        call.services.gating.handle,
        call.actor,
        call.namespace,
        call.repo,
        AccessStatus.parse(body.get("status")),
        username=text_in(body, "user") if body.get("user") is not None else None,
        request_id=request_id,
        reason=text_in(body, "rejectionReason") if body.get("rejectionReason") is not None else None,
    )
    return ok(_request(made))


async def _grant(call: Call) -> Response:
    user = text_in(await call.json(_LONGEST_BODY), "user")
    made = await call.write(call.services.gating.grant, call.actor, call.namespace, call.repo, user)
    return ok(_request(made))


def _id(text: str) -> int:
    try:
        if not 0 < len(text) <= 24:
            raise ValueError
        return min(int(text, 16), 2**63 - 1)
    except ValueError:
        raise NotFound("There is no such request for access.", code="access_request_not_found") from None


def _fields(media_type: str, body: bytes) -> Mapping[str, str]:
    """What was filled into the form, sent as JSON or as a form."""
    if not body.strip():
        return {}
    if "json" in media_type.lower():
        sent: Any = parse_json(body)
        if not isinstance(sent, dict):
            raise InvalidInput("Send the form as a JSON object.", code="invalid_body")
        return {str(key): value if isinstance(value, str) else str(value) for key, value in sent.items()}
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        raise InvalidInput(
            "The body is no form; send it as JSON or as name=value.", code="invalid_body"
        ) from None


def _request(found: AccessRequest) -> Json:
    user: Json = {
        "_id": f"{found.user_id:024x}",
        "user": found.username,
        "fullname": found.full_name or found.username,
    }
    if found.email and not found.is_granted:
        user["email"] = found.email
    body: Json = {
        "requestId": f"{found.id:024x}",
        "user": user,
        "status": str(found.status),
        "timestamp": date_text(found.asked_at),
    }
    if found.fields:
        body["fields"] = found.fields
    if found.reason:
        body["rejectionReason"] = found.reason
    if found.is_granted:
        body["grantedBy"] = {"user": found.decided_by}
    return body
