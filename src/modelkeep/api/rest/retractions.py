"""Taking back versions and artifacts."""

from __future__ import annotations

from fastapi import APIRouter

from modelkeep.api.rest import render_history
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name
from modelkeep.api.rest.schemas.history import Event, Retraction

router = APIRouter(
    route_class=GuardedRoute, prefix="/repos/{ns}/{repo}/artifacts/{artifact}", tags=["registry"]
)


@router.delete(
    "/versions/{version}", operation_id="deregisterVersion", summary="Deregister a version", status_code=201
)
async def deregister_version(
    call: CallOf, ns: Name, repo: Name, artifact: Name, version: Name, body: Retraction | None = None
) -> Event:
    """By a tag that says so. Its stages go back; it can be registered again, at its own commit."""
    message = body.message if body else None
    made = await call.write(
        call.services.retractions.deregister, call.actor, ns, repo, artifact, version, message=message
    )
    return render_history.event(made)


@router.post(
    "/deprecation", operation_id="deprecateArtifact", summary="Deprecate an artifact", status_code=201
)
async def deprecate_artifact(
    call: CallOf, ns: Name, repo: Name, artifact: Name, body: Retraction | None = None
) -> Event:
    """By a tag that says so. Whatever happens to it next revives it."""
    message = body.message if body else None
    made = await call.write(
        call.services.retractions.deprecate, call.actor, ns, repo, artifact, message=message
    )
    return render_history.event(made)
