"""The bytes of LFS objects: download, upload in one piece (``basic``), in parts (``multipart``), resumed (``tus``).

Each handler is a raw ASGI application, so that nothing buffers. Errors are never a 422 (see ``errors``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from modelkeep.api.http.actors import address_of
from modelkeep.api.http.bodies import ClientGone, content_length, read_json
from modelkeep.api.http.downloads import Content, ContentResponse
from modelkeep.api.http.raw_path import segment
from modelkeep.api.http.repo_addresses import REPO_PATHS
from modelkeep.api.http.request_id import request_id_of
from modelkeep.api.http.uploads import receive_into
from modelkeep.api.lfs.errors import TRANSFER_STATUS, response
from modelkeep.api.lfs.routes import LfsRoom
from modelkeep.api.lfs.schemas import parse_parts
from modelkeep.domain.errors import InvalidInput, ModelkeepError, NotFound, NotPermitted
from modelkeep.domain.lfs import Oid

_PARTS_LIMIT = 2 << 20
_TRICKLE_SECONDS = 10.0
_TUS = {"Tus-Resumable": "1.0.0", "Cache-Control": "no-store"}
_LOG = structlog.get_logger("lfs")

Handler = Callable[[LfsRoom, Request, Send], Awaitable[None]]


def transfer_routes(room: LfsRoom) -> Sequence[Route]:
    """The routes of signed transfer URLs."""
    handlers: list[tuple[list[str], str, Handler]] = [
        (["GET"], "", _download),
        (["PUT"], "", _upload),
        (["PATCH"], "", _resume),
        (["PUT"], "/parts/{number}", _part),
        (["POST"], "/complete", _complete),
    ]
    return [
        Route(f"{base}/info/lfs/objects/{{oid}}{path}", _Transfer(room, handler), methods=methods)
        for base in REPO_PATHS
        for methods, path, handler in handlers
    ]


class _Transfer:
    def __init__(self, room: LfsRoom, handler: Handler) -> None:
        self._room = room
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            await self._handler(self._room, request, send)
        except ClientGone:
            _LOG.info("lfs_client_gone")
        except ModelkeepError as error:
            refusal = response(error, TRANSFER_STATUS, request_id_of(scope) or "")
            if scope["method"] in ("PUT", "PATCH", "POST"):
                # What is left of a large body is not worth reading.
                refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)


async def _download(room: LfsRoom, request: Request, send: Send) -> None:
    if request.method == "HEAD" and "tus-resumable" in request.headers:
        await _offset(room, request, send)
        return
    blob = await room.limits.run_sql(
        room.services.transfers.download, _ticket(request), _oid(request), address_of(request.scope)
    )
    content = Content(
        blob.size,
        blob.oid,
        path=blob.path,
        open_range=blob.open_range,
        cache_control="private, max-age=31536000, immutable",
    )
    answer = ContentResponse(content, room.limits, acceleration=room.acceleration)
    await answer(request.scope, request.receive, send)


async def _upload(room: LfsRoom, request: Request, send: Send) -> None:
    transfers = room.services.transfers
    ticket, writer = await room.limits.run_sql(
        transfers.begin,
        _ticket(request),
        _oid(request),
        address_of(request.scope),
        content_length(request.headers),
    )
    await receive_into(request.receive, writer, room.limits)
    await room.limits.run_blob(transfers.commit, ticket, writer)
    await Response(status_code=200)(request.scope, request.receive, send)


async def _offset(room: LfsRoom, request: Request, send: Send) -> None:
    offset, size = await room.limits.run_sql(
        room.services.transfers.resume_offset, _ticket(request), _oid(request), address_of(request.scope)
    )
    headers = {**_TUS, "Upload-Offset": str(offset), "Upload-Length": str(size)}
    await Response(status_code=200, headers=headers)(request.scope, request.receive, send)


async def _resume(room: LfsRoom, request: Request, send: Send) -> None:
    offset = request.headers.get("upload-offset", "")
    if not offset.isascii() or not offset.isdigit() or len(offset) > 19:
        raise InvalidInput("Upload-Offset must be a number of bytes.", code="invalid_offset")
    if request.headers.get("content-type") != "application/offset+octet-stream":
        raise InvalidInput(
            "The Content-Type must be application/offset+octet-stream.", code="invalid_content_type"
        )
    transfers = room.services.transfers
    ticket, writer = await room.limits.run_blob(
        transfers.resume, _ticket(request), _oid(request), address_of(request.scope), int(offset)
    )
    await receive_into(request.receive, writer, room.limits, keeps_what_came=True)
    reached = await room.limits.run_blob(transfers.resumed, ticket, writer)
    headers = {**_TUS, "Upload-Offset": str(reached)}
    await Response(status_code=204, headers=headers)(request.scope, request.receive, send)


async def _part(room: LfsRoom, request: Request, send: Send) -> None:
    number = request.path_params["number"]
    writer = await room.limits.run_blob(
        room.services.transfers.part,
        _ticket(request),
        _oid(request),
        int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0,
        address_of(request.scope),
        content_length(request.headers),
    )
    await receive_into(request.receive, writer, room.limits)
    part = await room.limits.run_blob(writer.commit)
    await Response(status_code=200, headers={"ETag": f'"{part.etag}"'})(request.scope, request.receive, send)


async def _complete(room: LfsRoom, request: Request, send: Send) -> None:
    etags = parse_parts(await read_json(request.receive, request.headers, _PARTS_LIMIT))
    job = asyncio.ensure_future(
        room.limits.run_blob(
            room.services.transfers.complete,
            _ticket(request),
            _oid(request),
            address_of(request.scope),
            etags,
        )
    )
    done, _ = await asyncio.wait([job], timeout=_TRICKLE_SECONDS)
    if done:
        job.result()
        await Response("{}", 200, media_type="application/json")(request.scope, request.receive, send)
        return
    await _trickle(job, send)


async def _trickle(job: asyncio.Future[None], send: Send) -> None:
    """Keeps a client alive that gives up after 30 s without a byte: blanks, then the JSON body.

    A failure after that can only cut the answer short; the client takes it for a failed request, and asks again.
    """
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while not job.done():
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.wait([job], timeout=_TRICKLE_SECONDS)
    try:
        job.result()
    except ModelkeepError as error:
        _LOG.warning("lfs_complete_failed", code=error.code)
        await send(
            {"type": "http.response.body", "body": b'{"message": "upload it again"', "more_body": False}
        )
        return
    await send({"type": "http.response.body", "body": b"{}", "more_body": False})


def _ticket(request: Request) -> str:
    ticket = request.query_params.get("ticket")
    if not ticket:
        raise NotPermitted("Ask the LFS batch API for the URL of an object.", code="ticket_missing")
    return ticket


def _oid(request: Request) -> str:
    try:
        return Oid.parse(segment(request.path_params["oid"]))
    except InvalidInput:
        raise NotFound("There is no such object.", code="object_missing") from None
