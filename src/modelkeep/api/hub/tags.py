"""Tags made and deleted; those of the registry pass its gate like any other."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import Call, api, ok
from modelkeep.domain.errors import AlreadyExists, InvalidInput, NotFound
from modelkeep.domain.tag_grammar import parse_tag


def routes() -> list[Route]:
    """The routes of this module."""
    return [*api("/tag/{revision}", _create, "POST"), *api("/tag/{revision}", _delete, "DELETE")]


async def _create(call: Call) -> Response:
    sent = await call.json()
    tag, message = sent.get("tag"), sent.get("message")
    if not isinstance(tag, str) or not isinstance(message, str | None):
        raise InvalidInput("'tag' must be a text, and 'message' too if given.", code="invalid_body")
    if not message and parse_tag(tag) is not None:
        message = tag  # The registry's tags are annotated, because they say who made them and when.
    try:
        await call.write(
            call.services.commits.create_tag,
            call.actor,
            call.namespace,
            call.repo,
            tag,
            call.revision,
            message or None,
        )
    except AlreadyExists:
        raise AlreadyExists(f"Reference refs/tags/{tag} already exists", code="tag_exists") from None
    return ok({})


async def _delete(call: Call) -> Response:
    tag = call.revision.removeprefix("refs/tags/")
    try:
        await call.write(
            call.services.commits.delete_ref, call.actor, call.namespace, call.repo, f"refs/tags/{tag}"
        )
    except NotFound as error:
        if error.code != "ref_not_found":
            raise
        raise NotFound(f"Invalid rev id: there is no tag {tag}", code="revision_not_found") from None
    return ok({})
