"""Mirrors: namespaces that take over repos from elsewhere when they are asked for."""

from __future__ import annotations

from fastapi import APIRouter

from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name
from modelkeep.api.rest.schemas.mirrors import Mirror, SentMirror
from modelkeep.services.mirrors import MirrorOfNamespace

router = APIRouter(route_class=GuardedRoute, prefix="/orgs/{org}/mirror", tags=["imports"])


@router.get("", operation_id="showMirror", summary="Show what a namespace is a mirror of")
async def show_mirror(call: CallOf, org: Name) -> Mirror:
    """For its members; `org` may be your own name."""
    return _mirror(await call.run(call.services.mirrors.get, call.actor, org))


@router.put("", operation_id="setMirror", summary="Make a namespace a mirror")
async def set_mirror(call: CallOf, org: Name, body: SentMirror) -> Mirror:
    """Only owners may. It replaces all that was set before, but for the token of the same source."""
    return _mirror(
        await call.run(
            call.services.mirrors.set,
            call.actor,
            org,
            endpoint=body.endpoint,
            source=body.source,
            token=body.token,
            fresh_for=body.fresh_for,
            include=body.include,
            exclude=body.exclude,
            kinds=body.kinds,
        )
    )


@router.delete(
    "", operation_id="removeMirror", summary="Make a mirror an ordinary namespace", status_code=204
)
async def remove_mirror(call: CallOf, org: Name) -> None:
    """Only owners may. The token is forgotten; repos that have come stay."""
    await call.run(call.services.mirrors.remove, call.actor, org)


def _mirror(found: MirrorOfNamespace) -> Mirror:
    value = found.value
    return Mirror(
        namespace=found.namespace.name,
        endpoint=value.endpoint,
        source=value.source,
        has_token=value.has_token,
        fresh_for=int(value.fresh_for.total_seconds()),
        include=list(value.choice.include),
        exclude=list(value.choice.exclude),
        kinds=[kind.value for kind in value.kinds],
        set_at=value.set_at,
        set_by=value.set_by,
    )
