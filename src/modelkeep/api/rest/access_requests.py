"""Gated repos: who may read their content, who asked, and what they were answered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import Call, CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name, PageOf
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.gating import Access, AccessAnswer, AccessForm, AccessRequest, NewGating
from modelkeep.domain.gating import AccessStatus

router = APIRouter(route_class=GuardedRoute, prefix="/repos/{ns}/{repo}", tags=["gated repos"])


@router.get("/access", operation_id="showAccess", summary="Whether you may read a repo's content")
async def show_access(call: CallOf, ns: Name, repo: Name) -> Access:
    """And what became of your request, where the repo is gated."""
    return await _access(call, ns, repo)


@router.post("/access", operation_id="askForAccess", summary="Ask for access to a gated repo")
async def ask_for_access(call: CallOf, ns: Name, repo: Name, body: AccessForm) -> Access:
    """To ask again changes nothing."""
    await call.write(call.services.gating.ask, call.actor, ns, repo, body.fields)
    return await _access(call, ns, repo)


@router.put("/access", operation_id="gateRepo", summary="Gate a repo, or open it")
async def gate_repo(call: CallOf, ns: Name, repo: Name, body: NewGating) -> Access:
    """Only owners may."""
    await call.write(call.services.gating.configure, call.actor, ns, repo, body.gated)
    return await _access(call, ns, repo)


@router.get("/access-requests", operation_id="listAccessRequests", summary="List who asked for access")
async def list_access_requests(
    call: CallOf,
    ns: Name,
    repo: Name,
    page: PageOf,
    status: Annotated[AccessStatus, Query(description="Which ones.")] = AccessStatus.PENDING,
) -> Listing[AccessRequest]:
    """The earliest first. For maintainers."""
    found = await call.run(call.services.gating.list, call.actor, ns, repo, status, page)
    return render.listing(found, render.access_request)


@router.put(
    "/access-requests/{user}", operation_id="answerAccessRequest", summary="Answer a request for access"
)
async def answer_access_request(
    call: CallOf, ns: Name, repo: Name, user: Name, body: AccessAnswer
) -> AccessRequest:
    """`accepted` also lets somebody in who has not asked; `pending` takes an answer back. For maintainers."""
    made = await call.write(call.services.gating.answer, call.actor, ns, repo, user, body.status, body.reason)
    return render.access_request(made)


async def _access(call: Call, ns: str, repo: str) -> Access:
    access, request = await call.run(call.services.gating.mine, call.actor, ns, repo)
    return Access(
        gated=access.repo.gated,
        has_access=access.may_read_content,
        request=render.access_request(request) if request else None,
    )
