"""Xorbs in: sent to the store itself, or past its door by a grant."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from modelkeep.api.http.bodies import content_length, read_json
from modelkeep.api.http.uploads import receive_into
from modelkeep.api.xet.calls import Call
from modelkeep.domain.errors import InvalidInput, TooLarge
from modelkeep.services.xet import MOST_XORB_BYTES
from modelkeep.services.xet_tokens import XetAccess

_JSON_LIMIT = 4096


async def send(call: Call) -> Response:
    """``POST …/xorbs/{prefix}/{hash}``."""
    access = await call.access()
    return JSONResponse({"was_inserted": await _receive(call, access)})


async def ask_grant(call: Call) -> Response:
    """``POST …/xorb-grants/{prefix}/{hash}``: 200 where the tenant has the xorb, else 201 and where to put it."""
    access = await call.access()
    asked = await read_json(call.request.receive, call.request.headers, _JSON_LIMIT)
    length = asked.get("length") if isinstance(asked, dict) else None
    if type(length) is not int or length <= 0:
        raise InvalidInput("Say the xorb's length in bytes as 'length'.", code="invalid_body")
    if length > MOST_XORB_BYTES:
        raise _too_large()
    grant = await call.room.limits.run_sql(call.room.services.xet.grant, access, call.hash, length)
    if grant is None:
        return JSONResponse({"was_inserted": False})
    url = f"{call.base_url}/grants/{call.hash}?ticket={grant.text}"
    return JSONResponse({"id": grant.id, "method": "PUT", "url": url, "headers": {}}, 201)


async def put_granted(call: Call) -> Response:
    """``PUT …/grants/{hash}?ticket=…``."""
    length = content_length(call.request.headers)
    access = await call.room.limits.run_sql(
        call.room.services.xet.use_grant, call.ticket, call.scope, call.hash, call.client_address, length
    )
    await _receive(call, access)
    return Response(status_code=200, headers={"ETag": f'"{call.hash}"'})


async def commit_grant(call: Call) -> Response:
    """``POST …/xorb-commits/{prefix}/{hash}/grant/{id}``."""
    access = await call.access()
    await call.room.limits.run_sql(call.room.services.xet.require_xorb, access, call.hash)
    return JSONResponse({"was_inserted": True})


async def _receive(call: Call, access: XetAccess) -> bool:
    if (content_length(call.request.headers) or 0) > MOST_XORB_BYTES:
        raise _too_large()
    work, xet = call.room.work, call.room.services.xet
    writer = await work.run_blob(xet.begin_xorb, access, call.hash)
    await receive_into(call.request.receive, writer, work)
    return await work.run_blob(xet.commit_xorb, access, writer)


def _too_large() -> TooLarge:
    return TooLarge(
        f"A xorb has at most {MOST_XORB_BYTES} bytes.", code="xorb_too_large", limit=MOST_XORB_BYTES
    )
