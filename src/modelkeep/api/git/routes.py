"""Fetch and push over smart HTTP: authorise, start Git's own process, stream both ways.

Permission never depends on the query: ``git-receive-pack`` is checked for a push by its own handler, whatever
``info/refs`` was asked before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Protocol

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from modelkeep.api.http.actors import Authenticates, actor_of
from modelkeep.api.http.bodies import ClientGone, body_chunks, inflate
from modelkeep.api.http.limits import Limits
from modelkeep.api.http.plain_errors import plain_error
from modelkeep.api.http.repo_addresses import REPO_PATHS, repo_of
from modelkeep.api.http.request_id import request_id_of
from modelkeep.domain.access import Actor
from modelkeep.domain.errors import InvalidInput, ModelkeepError
from modelkeep.services.pushes import Pushes

SERVICES = ("git-upload-pack", "git-receive-pack")

_NEGOTIATION_LIMIT = 64 << 20
_LOG = structlog.get_logger("git")


class GitServices(Protocol):
    """What this room needs of the hub."""

    @property
    def authentication(self) -> Authenticates:
        """Turns credentials into an actor."""

    @property
    def pushes(self) -> Pushes:
        """Fetches and pushes."""


def git_routes(services: GitServices, limits: Limits, max_push: int) -> Sequence[Route]:
    """The routes of every repo, with and without ``.git``.

    Args:
        services: The hub's.
        limits: How much runs at once.
        max_push: The largest inflated body of a push, in bytes.
    """
    room = _Room(services, limits, max_push)
    return [
        route
        for base in REPO_PATHS
        for route in (
            Route(f"{base}/info/refs", room.info_refs, methods=["GET"]),
            Route(f"{base}/git-upload-pack", _Streamed(room, "git-upload-pack"), methods=["POST"]),
            Route(f"{base}/git-receive-pack", _Streamed(room, "git-receive-pack"), methods=["POST"]),
            Route(f"{base}/HEAD", room.no_dumb_protocol, methods=["GET"]),
            Route(f"{base}/objects/{{rest:path}}", room.no_dumb_protocol, methods=["GET"]),
        )
    ]


class _Room:
    def __init__(self, services: GitServices, limits: Limits, max_push: int) -> None:
        self.services = services
        self.limits = limits
        self.max_push = max_push

    async def info_refs(self, request: Request) -> Response:
        """``GET info/refs?service=…``: the refs."""
        try:
            service = request.query_params.get("service", "")
            actor = await actor_of(request.scope, self.services.authentication, self.limits, "git")
            namespace, name = repo_of(request.path_params)
            if service not in SERVICES:
                # The same answer as for a repo that is not there, lest the question tell them apart.
                raise InvalidInput(
                    "Use a git client that speaks the smart HTTP protocol.", code="dumb_protocol"
                )
            body = await self.limits.run_sql(
                self.services.pushes.advertise,
                actor,
                namespace,
                name,
                service,
                request.headers.get("git-protocol"),
            )
        except ModelkeepError as error:
            return plain_error(error, _line(error, request.scope))
        return Response(body, media_type=f"application/x-{service}-advertisement", headers=_NO_CACHE)

    async def no_dumb_protocol(self, _request: Request) -> Response:
        """The files of the dumb protocol are not served: they would bypass what may be fetched."""
        return PlainTextResponse("Use the smart HTTP protocol.\n", 404)


class _Streamed:
    """``POST git-upload-pack`` and ``git-receive-pack`` as a raw ASGI application, which Starlette does not buffer."""

    def __init__(self, room: _Room, service: str) -> None:
        self._room = room
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        is_answered = False

        async def answer(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            body = self._body(request)
            actor = await actor_of(scope, self._room.services.authentication, self._room.limits, "git")
            async with self._room.limits.git_process():
                if self._service == "git-receive-pack":
                    await self._push(request, answer, actor, body)
                else:
                    await self._fetch(request, answer, actor, body)
        except ClientGone:
            _LOG.info("git_client_gone", service=self._service)
        except ModelkeepError as error:
            if is_answered:
                # Too late for another answer; what is missing of this one tells the client.
                _LOG.error("git_answer_cut", service=self._service, code=error.code, reason=error.message)
                return
            await plain_error(error, _line(error, scope))(scope, receive, send)

    async def _fetch(self, request: Request, send: Send, actor: Actor, body: AsyncIterator[bytes]) -> None:
        namespace, name = repo_of(request.path_params)
        process = await self._room.limits.run_sql(
            self._room.services.pushes.fetch, actor, namespace, name, request.headers.get("git-protocol")
        )
        async with process:
            answer = _Answer(send, self._service)
            await answer.stream(process.exchange(body))
            code = await process.wait()
        await answer.end(code)

    async def _push(self, request: Request, send: Send, actor: Actor, body: AsyncIterator[bytes]) -> None:
        namespace, name = repo_of(request.path_params)
        push = await self._room.limits.run_sql(self._room.services.pushes.push, actor, namespace, name)
        answer = _Answer(send, self._service)
        process = push.process(request.headers.get("git-protocol"), self._room.limits.run_decision)
        try:
            async with process:
                await answer.stream(process.exchange(body))
                code = await process.wait()
        finally:
            # Whatever became of the client: what git did to the refs is the truth, and the index follows.
            await self._room.limits.run_sql(push.finish)
            if process.failure is not None:
                _LOG.error("push_check_failed", repo=push.repo.id, exc_info=process.failure)
        await answer.end(code)

    def _body(self, request: Request) -> AsyncIterator[bytes]:
        expected = f"application/x-{self._service}-request"
        if request.headers.get("content-type", "") != expected:
            raise InvalidInput(f"The Content-Type must be {expected}.", code="invalid_content_type")
        limit = self._room.max_push if self._service == "git-receive-pack" else _NEGOTIATION_LIMIT
        encoding = request.headers.get("content-encoding", "identity").lower()
        chunks = body_chunks(request.receive)
        if encoding in ("gzip", "x-gzip"):
            return inflate(chunks, limit)
        if encoding not in ("identity", ""):
            raise InvalidInput("The Content-Encoding must be gzip or none.", code="invalid_content_encoding")
        return chunks if self._service == "git-receive-pack" else _limited(chunks, limit)


class _Answer:
    """Streams a body, starting the response with the first piece and keeping the last one back.

    The last piece ends the client's wait, so it goes out only when the index has followed.
    """

    def __init__(self, send: Send, service: str) -> None:
        self._send = send
        self._service = service
        self._held: bytes | None = None

    async def stream(self, pieces: AsyncIterator[bytes]) -> None:
        async with aclosing(pieces) as source:  # type: ignore[type-var]
            async for piece in source:
                if self._held is None:
                    await self._start()
                else:
                    await self._send({"type": "http.response.body", "body": self._held, "more_body": True})
                self._held = piece

    async def end(self, code: int) -> None:
        """Ends the answer. An empty one is right for the flush packet with which a client asks whether it may push."""
        if self._held is None:
            if code != 0:
                raise InvalidInput("Git could not read this request; it was not complete.", code="git_failed")
            await self._start()
        await self._send({"type": "http.response.body", "body": self._held or b"", "more_body": False})

    async def _start(self) -> None:
        headers = [(b"content-type", f"application/x-{self._service}-result".encode())]
        headers += [(name.lower().encode(), value.encode()) for name, value in _NO_CACHE.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})


async def _limited(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise InvalidInput(f"The request is larger than {limit} bytes.", code="body_too_large")
        yield chunk


_NO_CACHE = {
    "Cache-Control": "no-cache, max-age=0, must-revalidate",
    "Expires": "Fri, 01 Jan 1980 00:00:00 GMT",
}


def _line(error: ModelkeepError, scope: Scope) -> str:
    return f"{error.message} (request {request_id_of(scope) or ''})\n"
