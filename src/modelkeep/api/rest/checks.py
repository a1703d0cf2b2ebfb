"""What checks outside of the hub say about versions."""

from __future__ import annotations

from fastapi import APIRouter

from modelkeep.api.rest import render, render_policy
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name, PageOf
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.policy import NewCheck, VersionCheck
from modelkeep.domain.promotions import CheckVerdict

router = APIRouter(route_class=GuardedRoute, tags=["checks"])

_CHECKS = "/repos/{ns}/{repo}/artifacts/{artifact}/versions/{version}/checks"


@router.get(_CHECKS, operation_id="listChecks", summary="List what checks say about a version")
async def list_checks(
    call: CallOf,
    ns: Name,
    repo: Name,
    artifact: Name,
    version: Name,
    page: PageOf,
    history: bool = False,
) -> Listing[VersionCheck]:
    """The last word of each; with `history` all that was recorded, the newest first."""
    found = await call.run(
        call.services.version_checks.list, call.actor, ns, repo, artifact, version, is_whole=history
    )
    return render.listing(render.page_of_all(found, page), render_policy.check)


@router.get(_CHECKS + "/{name}", operation_id="showCheck", summary="Show what a check says about a version")
async def show_check(
    call: CallOf, ns: Name, repo: Name, artifact: Name, version: Name, name: Name
) -> VersionCheck:
    """The last word."""
    return render_policy.check(
        await call.run(call.services.version_checks.get, call.actor, ns, repo, artifact, version, name)
    )


@router.put(
    _CHECKS + "/{name}", operation_id="recordCheck", summary="Record what a check says about a version"
)
async def record_check(
    call: CallOf, ns: Name, repo: Name, artifact: Name, version: Name, name: Name, body: NewCheck
) -> VersionCheck:
    """For maintainers, and whom the policy names for this check."""
    made = await call.run(
        call.services.version_checks.record,
        call.actor,
        ns,
        repo,
        artifact,
        version,
        name,
        CheckVerdict.parse(body.verdict),
        summary=body.summary,
        url=body.url,
    )
    return render_policy.check(made)
