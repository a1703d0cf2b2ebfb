"""Batch, verify and locks: short JSON requests. The bytes move in ``transfers``."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from modelkeep.api.http.actors import Authenticates, actor_of, address_of
from modelkeep.api.http.bodies import parse_json, read_limited
from modelkeep.api.http.downloads import Acceleration
from modelkeep.api.http.limits import Limits
from modelkeep.api.http.origins import origin_of
from modelkeep.api.http.raw_path import segment
from modelkeep.api.http.repo_addresses import REPO_PATHS, repo_of
from modelkeep.api.http.request_id import request_id_of
from modelkeep.api.lfs import render, schemas
from modelkeep.api.lfs.errors import API_STATUS, TRANSFER_STATUS, response
from modelkeep.domain.access import Actor
from modelkeep.domain.errors import ModelkeepError
from modelkeep.services.lfs import Lfs
from modelkeep.services.locking import AlreadyLocked, Locking
from modelkeep.services.transfers import Transfers

_BODY_LIMIT = 2 << 20
"""Of a request in bytes; 10,000 objects take half of it."""

_PARSED_AT_ONCE = 256 << 10
_DOOR = "lfs"


class LfsServices(Protocol):
    """What this room needs of the hub."""

    @property
    def authentication(self) -> Authenticates:
        """Turns credentials into an actor."""

    @property
    def lfs(self) -> Lfs:
        """The batch."""

    @property
    def locking(self) -> Locking:
        """File locks."""

    @property
    def transfers(self) -> Transfers:
        """Uploads and downloads."""


@dataclass(frozen=True, slots=True)
class LfsRoom:
    """What the handlers of this room share.

    Attributes:
        services: The hub's.
        limits: How much runs at once.
        public_url: The hub's address where it is set; otherwise the request's own is used in URLs.
        acceleration: How nginx sends blobs, where it stands in front.
    """

    services: LfsServices
    limits: Limits
    public_url: str | None = None
    acceleration: Acceleration | None = None

    async def actor(self, scope: Scope) -> Actor:
        """Who sends the request."""
        return await actor_of(scope, self.services.authentication, self.limits, _DOOR)


Handler = Callable[[LfsRoom, Request], Awaitable[Response]]


def api_routes(room: LfsRoom) -> Sequence[Route]:
    """The routes of the LFS API of every repo, with and without ``.git``."""
    handlers: list[tuple[str, str, Handler]] = [
        ("POST", "/objects/batch", _batch),
        ("POST", "/verify", _verify),
        ("POST", "/locks", _create_lock),
        ("GET", "/locks", _list_locks),
        ("POST", "/locks/verify", _verify_locks),
        ("POST", "/locks/{lock_id}/unlock", _unlock),
    ]
    return [
        Route(f"{base}/info/lfs{path}", _answered(room, handler), methods=[method])
        for base in REPO_PATHS
        for method, path, handler in handlers
    ]


def _answered(room: LfsRoom, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await handler(room, request)
        except AlreadyLocked as error:
            return response(error, API_STATUS, _request_id(request), lock=render.lock(error.lock))
        except ModelkeepError as error:
            statuses = TRANSFER_STATUS if handler is _verify else API_STATUS
            return response(error, statuses, _request_id(request))

    return answer


async def _batch(room: LfsRoom, request: Request) -> Response:
    namespace, name = repo_of(request.path_params)
    actor = await room.actor(request.scope)
    wanted = schemas.parse_batch(await _json(room, request), room.services.lfs.check_size)
    answer = await room.limits.run_sql(
        room.services.lfs.batch, actor, namespace, name, wanted.operation, wanted.objects, wanted.transfers
    )
    base = f"{origin_of(request, room.public_url)}/{answer.repo.address}.git/info/lfs"
    return _answer(render.batch(answer, base))


async def _verify(room: LfsRoom, request: Request) -> Response:
    oid, size = schemas.parse_object(await _json(room, request))
    ticket = request.query_params.get("ticket")
    namespace, name = repo_of(request.path_params)
    # With a ticket credentials are not even looked at: some clients send another server's, some none.
    actor = await room.actor(request.scope) if ticket is None else None
    await room.limits.run_sql(
        room.services.transfers.verify, ticket, actor, (namespace, name), oid, size, address_of(request.scope)
    )
    return _answer({"oid": oid, "size": size})


async def _create_lock(room: LfsRoom, request: Request) -> Response:
    namespace, name = repo_of(request.path_params)
    actor = await room.actor(request.scope)
    wanted = schemas.parse_lock_request(await _json(room, request))
    lock = await room.limits.run_sql(
        room.services.locking.create, actor, namespace, name, wanted.path or "", wanted.ref
    )
    return _answer({"lock": render.lock(lock)}, 201)


async def _list_locks(room: LfsRoom, request: Request) -> Response:
    namespace, name = repo_of(request.path_params)
    actor = await room.actor(request.scope)
    query = request.query_params
    page = schemas.parse_page(query.get("limit"), query.get("cursor") or None)
    found = await room.limits.run_sql(
        room.services.locking.list,
        actor,
        namespace,
        name,
        page,
        path=query.get("path") or None,
        lock_id=query.get("id") or None,
        ref=query.get("refspec") or None,
    )
    return _answer(render.locks(found.items, found.next_cursor))


async def _verify_locks(room: LfsRoom, request: Request) -> Response:
    namespace, name = repo_of(request.path_params)
    actor = await room.actor(request.scope)
    wanted = schemas.parse_lock_request(await _json(room, request))
    page = schemas.parse_page(wanted.limit, wanted.cursor)
    ours, theirs, cursor = await room.limits.run_sql(
        room.services.locking.for_push, actor, namespace, name, page
    )
    return _answer(render.locks_for_push(ours, theirs, cursor))


async def _unlock(room: LfsRoom, request: Request) -> Response:
    namespace, name = repo_of(request.path_params)
    actor = await room.actor(request.scope)
    wanted = schemas.parse_lock_request(await _json(room, request, empty_ok=True))
    lock = await room.limits.run_sql(
        room.services.locking.delete,
        actor,
        namespace,
        name,
        segment(request.path_params["lock_id"]),
        force=wanted.force,
    )
    return _answer({"lock": render.lock(lock)})


async def _json(room: LfsRoom, request: Request, *, empty_ok: bool = False) -> object:
    if empty_ok and request.headers.get("content-length") == "0":
        return {}
    data = await read_limited(request.receive, request.headers, _BODY_LIMIT)
    # A large document takes long to parse; others are served meanwhile.
    return parse_json(data) if len(data) <= _PARSED_AT_ONCE else await room.limits.run_blob(parse_json, data)


def _answer(body: render.Json, status: int = 200) -> Response:
    return Response(json.dumps(body), status, {"Cache-Control": "no-store"}, render.MEDIA_TYPE)


def _request_id(request: Request) -> str:
    return request_id_of(request.scope) or ""
