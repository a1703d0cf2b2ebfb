"""Promotion requests."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from modelkeep.api.rest import render, render_policy
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name, Number, PageOf
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.policy import NewPromotionRequest, PromotionRequest, ReviewComment

router = APIRouter(route_class=GuardedRoute, tags=["promotion requests"])

_REQUESTS = "/repos/{ns}/{repo}/promotions"
_REQUEST = _REQUESTS + "/{number}"


@router.get("/promotions", operation_id="listAllPromotions", summary="List promotion requests of all repos")
async def list_all(
    call: CallOf,
    page: PageOf,
    state: str | None = None,
    role: Literal["reviewer", "proposer"] | None = None,
) -> Listing[PromotionRequest]:
    """The newest first; as `reviewer` those that wait for your word (a page may hold fewer than asked for)."""
    found = await call.run(call.services.promotions.list, call.actor, page, state=state, role=role)
    return render.listing(found, render_policy.request)


@router.get(_REQUESTS, operation_id="listPromotions", summary="List the promotion requests of a repo")
async def list_requests(
    call: CallOf,
    ns: Name,
    repo: Name,
    page: PageOf,
    state: str | None = None,
    artifact: str | None = None,
    stage: str | None = None,
) -> Listing[PromotionRequest]:
    """The newest first."""
    found = await call.run(
        call.services.promotions.list,
        call.actor,
        page,
        repo=(ns, repo),
        state=state,
        artifact=artifact,
        stage=stage,
    )
    return render.listing(found, render_policy.request)


@router.post(_REQUESTS, operation_id="proposePromotion", summary="Propose a promotion", status_code=201)
async def propose(
    call: CallOf, ns: Name, repo: Name, body: NewPromotionRequest, response: Response
) -> PromotionRequest:
    """Whoever may register versions may propose."""
    made = await call.write(
        call.services.promotions.propose,
        call.actor,
        ns,
        repo,
        artifact=body.artifact,
        stage=body.stage,
        version=body.version,
        message=body.message,
    )
    place = "/repos/{}/{}/promotions/{}".format(*map(render.segment, (ns, repo, str(made.request.number))))
    response.headers["location"] = call.url(place)
    return render_policy.request(made)


@router.get(_REQUEST, operation_id="showPromotion", summary="Show a promotion request")
async def show(call: CallOf, ns: Name, repo: Name, number: Number) -> PromotionRequest:
    """With its reviews, and what blocks it now."""
    return render_policy.request(await call.run(call.services.promotions.get, call.actor, ns, repo, number))


@router.post(_REQUEST + "/approve", operation_id="approvePromotion", summary="Approve a promotion request")
async def approve(
    call: CallOf, ns: Name, repo: Name, number: Number, body: ReviewComment | None = None
) -> PromotionRequest:
    """The approval that was missing promotes the version, in your name, if you may and nothing else blocks it."""
    comment = body.comment if body else None
    return render_policy.request(
        await call.write(call.services.promotions.approve, call.actor, ns, repo, number, comment)
    )


@router.post(_REQUEST + "/reject", operation_id="rejectPromotion", summary="Reject a promotion request")
async def reject(
    call: CallOf, ns: Name, repo: Name, number: Number, body: ReviewComment | None = None
) -> PromotionRequest:
    """That ends it."""
    comment = body.comment if body else None
    return render_policy.request(
        await call.write(call.services.promotions.reject, call.actor, ns, repo, number, comment)
    )


@router.post(_REQUEST + "/withdraw", operation_id="withdrawPromotion", summary="Withdraw a promotion request")
async def withdraw(
    call: CallOf, ns: Name, repo: Name, number: Number, body: ReviewComment | None = None
) -> PromotionRequest:
    """Its proposer may, and maintainers."""
    comment = body.comment if body else None
    return render_policy.request(
        await call.write(call.services.promotions.withdraw, call.actor, ns, repo, number, comment)
    )
