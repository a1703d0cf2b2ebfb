"""Lists of repos: ``list_models``, ``list_datasets``, and what somebody's repos take."""

from __future__ import annotations

from functools import partial
from typing import Literal

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import PLURALS, Call, alone, ok
from modelkeep.api.hub.info import About, described, expanded
from modelkeep.api.hub.render import Json, date_text
from modelkeep.domain.access import Visibility
from modelkeep.domain.errors import Unauthenticated
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.repos import Repo

_PAGE = 100
_MOST = 1000
_BRIEF = ["createdAt", "downloads", "likes", "private", "tags", "trendingScore"]
_FULL = [*_BRIEF, "author", "disabled", "gated", "lastModified", "sha", "siblings"]
_SORTS: dict[str | None, Literal["updated", "created"]] = {"createdAt": "created"}


def routes() -> list[Route]:
    """The routes of this module."""
    lists = [alone(f"/api/{plural}", _list, kind=kind) for kind, plural in PLURALS.items()]
    return [
        *(route for found in lists for route in found),
        *alone("/api/settings/repositories", _storage),
        *alone("/api/organizations/{namespace}/settings/repositories", _storage),
    ]


async def _list(call: Call) -> Response:
    names = expanded(call) or (_FULL if call.is_set("full") else _BRIEF)
    page = PageRequest.parse(call.limit(_PAGE, _MOST), call.query("cursor"))
    found = await call.run(
        call.services.repos.list,
        call.actor,
        page,
        namespace=call.query("author"),
        query=call.query("search"),
        kind=call.kind,
        sort=_SORTS.get(call.query("sort"), "updated"),
    )
    items = await call.run(lambda: [described(About(call, repo), names) for repo in found.items])
    return ok(items, 200, call.next_page(found.next_cursor))


async def _storage(call: Call) -> Response:
    """What the repos of a user or an organisation take, the largest first."""
    if call.actor.is_anonymous:
        raise Unauthenticated("Sign in first: send a token.", code="bad_credentials")
    namespace = call.part("namespace") if "namespace" in call.request.path_params else call.actor.username
    items = await call.run(partial(_storage_of, call, namespace))
    return ok(items)


def _storage_of(call: Call, namespace: str) -> list[Json]:
    found: list[tuple[Repo, int]] = []
    cursor: str | None = None
    while True:
        page: Page[Repo] = call.services.repos.list(
            call.actor, PageRequest.parse(_MOST, cursor), namespace=namespace
        )
        found += [(repo, _bytes(call, repo)) for repo in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    total = sum(size for _, size in found)
    found.sort(key=lambda one: -one[1])
    return [
        {
            "id": str(repo.full_name),
            "type": repo.kind.value,
            "updatedAt": date_text(repo.updated_at),
            "visibility": "public" if repo.visibility is Visibility.PUBLIC else "private",
            "storage": size,
            "storagePercent": size / total if total else 0.0,
        }
        for repo, size in found
    ]


def _bytes(call: Call, repo: Repo) -> int:
    return call.services.repos.usage(call.services.repos.get(call.actor, repo.place, repo.name)).lfs_bytes
