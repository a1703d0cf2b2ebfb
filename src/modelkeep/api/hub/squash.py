"""``super-squash``: one commit of a whole history."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import Call, api, ok
from modelkeep.domain.errors import InvalidInput


def routes() -> list[Route]:
    """The routes of this module."""
    return api("/super-squash/{revision}", _squash, "POST")


async def _squash(call: Call) -> Response:
    message = (await call.json()).get("message")
    if not isinstance(message, str | None):
        raise InvalidInput("'message' must be a text.", code="invalid_body")
    branch = call.revision
    await call.write(
        call.services.squashing.squash,
        call.actor,
        call.namespace,
        call.repo,
        branch,
        message or f"Super-squash of {branch}",
    )
    return ok({})
