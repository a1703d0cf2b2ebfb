"""Branches made and deleted."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import Call, api, ok
from modelkeep.domain.errors import AlreadyExists, InvalidInput, NotFound, NotPermitted


def routes() -> list[Route]:
    """The routes of this module."""
    return [*api("/branch/{branch}", _create, "POST"), *api("/branch/{branch}", _delete, "DELETE")]


async def _create(call: Call) -> Response:
    start = (await call.json()).get("startingPoint")
    if not isinstance(start, str | None):
        raise InvalidInput("'startingPoint' must be a revision.", code="invalid_body")
    branch = _branch(call)
    try:
        await call.write(
            call.services.commits.create_branch, call.actor, call.namespace, call.repo, branch, start
        )
    except AlreadyExists:
        raise AlreadyExists(f"Reference refs/heads/{branch} already exists", code="branch_exists") from None
    return ok({})


async def _delete(call: Call) -> Response:
    branch = _branch(call)
    try:
        await call.write(
            call.services.commits.delete_ref, call.actor, call.namespace, call.repo, f"refs/heads/{branch}"
        )
    except NotFound as error:
        if error.code != "ref_not_found":
            raise
        raise NotFound(f"Invalid rev id: there is no branch {branch}", code="branch_not_found") from None
    except NotPermitted as error:
        raise NotPermitted(f"Cannot delete refs/heads/{branch}: {error.message}", code=error.code) from None
    return ok({})


def _branch(call: Call) -> str:
    branch = call.part("branch").removeprefix("refs/heads/")
    if branch.startswith("refs/"):
        raise InvalidInput(f"Invalid reference for a branch: {branch[:80]}", code="invalid_ref")
    return branch
