"""The one question that DVC asks of DVC Studio, and the files of Git that the answer points to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from modelkeep.api.http.actors import Authenticates, actor_of, address_of
from modelkeep.api.http.downloads import Content, ContentResponse
from modelkeep.api.http.limits import Limits
from modelkeep.api.http.origins import origin_of
from modelkeep.api.http.plain_errors import plain_error
from modelkeep.domain.errors import InvalidInput, ModelkeepError, NotPermitted
from modelkeep.domain.git_addresses import repo_of_address
from modelkeep.services.contents import Contents
from modelkeep.services.model_downloads import Downloadable, ModelDownloads

_DOOR = "studio"
_BASE = "/api/model-registry"
_DVC_FILE = "/dvc.yaml"


class StudioServices(Protocol):
    """What this room needs of the hub."""

    @property
    def authentication(self) -> Authenticates:
        """Turns credentials into an actor."""

    @property
    def contents(self) -> Contents:
        """Opens files that Git keeps."""

    @property
    def model_downloads(self) -> ModelDownloads:
        """Says where the files of versions are."""


@dataclass(frozen=True, slots=True)
class StudioRoom:
    """What the handlers of this room share.

    Attributes:
        services: The hub's.
        limits: How much runs at once.
        public_url: The hub's address where it is set; otherwise the request's own is used in URLs.
    """

    services: StudioServices
    limits: Limits
    public_url: str | None = None


Handler = Callable[[StudioRoom, Request], Awaitable[Response]]


def studio_routes(room: StudioRoom) -> Sequence[Route]:
    """The routes of this room."""
    return [
        Route(f"{_BASE}/get-download-uris", _answered(room, _download_uris), methods=["GET"]),
        Route(f"{_BASE}/files/{{blob}}", _answered(room, _file), methods=["GET"]),
    ]


def _answered(room: StudioRoom, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await handler(room, request)
        except ModelkeepError as error:
            return plain_error(error, error.message)

    return answer


async def _download_uris(room: StudioRoom, request: Request) -> Response:
    actor = await actor_of(request.scope, room.services.authentication, room.limits, _DOOR)
    query = request.query_params
    named = repo_of_address(_required(request, "repo"))
    repo, found = await room.limits.run_sql(
        room.services.model_downloads.files,
        actor,
        named.namespace,
        named.name,
        _artifact(_required(request, "name")),
        version=query.get("version") or None,
        stage=query.get("stage") or None,
    )
    origin = origin_of(request, room.public_url)
    lfs = f"{origin}/{repo.address}.git/info/lfs/objects"
    answer = {one.path: _url(one, lfs, f"{origin}{_BASE}/files") for one in found}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


async def _file(room: StudioRoom, request: Request) -> Response:
    ticket = request.query_params.get("ticket")
    if not ticket:
        raise NotPermitted("Ask for the URL of a file first.", code="ticket_missing")
    file = await room.limits.run_sql(
        room.services.model_downloads.open, ticket, request.path_params["blob"], address_of(request.scope)
    )
    content = Content(
        file.size,
        file.etag,
        open_range=partial(room.services.contents.open_blob, file),
        cache_control="private, max-age=31536000, immutable",
    )
    return ContentResponse(content, room.limits)


def _required(request: Request, name: str) -> str:
    value = request.query_params.get(name)
    if not value:
        raise InvalidInput(f"The parameter '{name}' is missing.", code="parameter_missing")
    return value


def _artifact(name: str) -> str:
    """DVC also writes ``models/dvc.yaml:churn`` for ``models:churn``."""
    directory, _, last = name.rpartition(":")
    directory = f"/{directory}".removesuffix(_DVC_FILE)[1:]
    return f"{directory}:{last}" if directory else last


def _url(one: Downloadable, lfs: str, files: str) -> str:
    if one.url is not None:
        return one.url
    return f"{lfs if one.is_lfs else files}/{one.object_id}?ticket={one.ticket}"
