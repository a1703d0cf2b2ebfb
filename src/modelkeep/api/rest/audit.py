"""Who changed what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import PageOf
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.repos import AuditEntry
from modelkeep.domain.errors import InvalidInput

router = APIRouter(route_class=GuardedRoute, tags=["audit"])


@router.get("/audit", operation_id="listAudit", summary="Read the audit log")
async def list_audit(
    call: CallOf,
    page: PageOf,
    repo: Annotated[str | None, Query(max_length=200, description="`namespace/name`.")] = None,
    namespace: Annotated[str | None, Query(max_length=200)] = None,
    user: Annotated[str | None, Query(max_length=200)] = None,
    action: Annotated[str | None, Query(max_length=100, description="Such as `repo.create`.")] = None,
) -> Listing[AuditEntry]:
    """Newest first: of a repo or an organisation for its owners, of the hub for its administrators."""
    found = await call.run(
        call.services.audit_log.entries,
        call.actor,
        page,
        repo=_split(repo) if repo is not None else None,
        namespace=namespace,
        username=user,
        action=action,
    )
    return render.listing(found, render.audit_entry)


def _split(full_name: str) -> tuple[str, str]:
    namespace, slash, name = full_name.partition("/")
    if not slash or "/" in name:
        raise InvalidInput("repo is written namespace/name.", code="invalid_name")
    return namespace, name
