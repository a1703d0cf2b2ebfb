"""Whether somebody may read or write a repo: ``auth-check``."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import Call, api, ok
from modelkeep.domain.access import Action
from modelkeep.services.access import RepoAccess


def routes() -> list[Route]:
    """The routes of this module."""
    return [*api("/auth-check", _may_read), *api("/auth-check/write", _may_write)]


async def _may_read(call: Call) -> Response:
    access = await _access(call)
    return ok({"id": str(access.repo.full_name)})


async def _may_write(call: Call) -> Response:
    access = await _access(call)
    access.require(Action.WRITE)
    return ok({"id": str(access.repo.full_name)})


async def _access(call: Call) -> RepoAccess:
    access = await call.run(call.services.repos.get, call.actor, call.namespace, call.repo)
    call.here(access.repo)
    access.require_content()
    return access
