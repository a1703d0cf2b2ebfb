"""One request of this room as its handler sees it, and the guard around every handler."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from starlette.requests import Request
from starlette.responses import Response

from modelkeep.api.http.actors import address_of
from modelkeep.api.http.bodies import ClientGone
from modelkeep.api.http.downloads import Acceleration
from modelkeep.api.http.limits import Limits
from modelkeep.api.http.origins import origin_of
from modelkeep.api.http.raw_path import segment
from modelkeep.api.http.request_id import request_id_of
from modelkeep.api.xet.errors import xet_error
from modelkeep.api.xet.places import Places
from modelkeep.domain.errors import ModelkeepError, Unauthenticated
from modelkeep.services.xet import Xet
from modelkeep.services.xet_shards import XetShards
from modelkeep.services.xet_tokens import XetAccess, XetTokens

MOST_SHARDS = 4
"""Shards that are checked at once; each is in memory as long as that takes, which is minutes for very large files."""

_MOST_SHARDS_EACH = 2


class XetServices(Protocol):
    """What this room needs of the hub."""

    @property
    def xet(self) -> Xet:
        """Xorbs, chunks and files."""

    @property
    def xet_shards(self) -> XetShards:
        """Files made of xorbs."""

    @property
    def xet_tokens(self) -> XetTokens:
        """Who may do what."""


def work_limits() -> Limits:
    """Threads for what keeps a processor busy (hashing, unpacking), so that it leaves the other threads free."""
    return Limits(blob_threads=max(2, os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class XetRoom:
    """What the handlers of this room share.

    Attributes:
        services: The hub's.
        limits: Whose threads short calls run in.
        public_url: The hub's address as clients reach it; None to take it from each request.
        acceleration: How nginx in front reaches the xorbs, where it does.
        work: Whose threads check what came in.
        shards: The places of shards that are registered at once, by user.
    """

    services: XetServices
    limits: Limits
    public_url: str | None = None
    acceleration: Acceleration | None = None
    work: Limits = field(default_factory=work_limits)
    shards: Places = field(default_factory=lambda: Places(MOST_SHARDS, _MOST_SHARDS_EACH))


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    room: XetRoom
    request: Request

    @property
    def scope(self) -> str:
        """The word of the tenant in the address."""
        return self.part("scope")

    @property
    def hash(self) -> str:
        """The hash in the address."""
        return self.part("hash")

    @property
    def base_url(self) -> str:
        """The store's address for this tenant."""
        return f"{origin_of(self.request, self.room.public_url)}/api/xet/{self.scope}"

    @property
    def client_address(self) -> str:
        """Where the request came from."""
        return address_of(self.request.scope)

    @property
    def ticket(self) -> str:
        """What an address carries that needs no header."""
        return self.request.query_params.get("ticket", "")

    def part(self, name: str) -> str:
        """A parameter of the path, decoded."""
        return segment(self.request.path_params[name])

    async def access(self) -> XetAccess:
        """What the sender may do.

        Raises:
            Unauthenticated: There is no token, or it is over.
            NotPermitted: Its holder may not do this any more.
        """
        kind, _, text = self.request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not text.strip():
            raise Unauthenticated(
                "Ask the hub for a token of the Xet store first, and send it as a Bearer token.",
                code="xet_token_invalid",
            )
        use = self.room.services.xet_tokens.use
        return await self.room.limits.run_sql(use, text.strip(), self.scope, self.client_address)


Handler = Callable[[Call], Awaitable[Response]]

_LOG = structlog.get_logger("xet")


def guarded(room: XetRoom, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler whose errors become answers."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(Call(room, request))
        except ModelkeepError as error:
            _LOG.info("xet_refused", code=error.code, message=error.message)
            return xet_error(error, request_id_of(request.scope) or "")
        except ClientGone:
            return Response(status_code=400)  # there is nobody to read it

    return answer
