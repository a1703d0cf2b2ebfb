"""How much room repos take."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name
from modelkeep.api.rest.schemas.storage import Collected, Collection, HubStorage, RepoStorage

router = APIRouter(route_class=GuardedRoute, tags=["storage"])


@router.get("/storage", operation_id="showHubStorage", summary="How much room all repos take")
async def show_hub_storage(call: CallOf) -> HubStorage:
    """For administrators of the hub."""
    found = await call.run(call.services.storage.of_hub, call.actor)
    return HubStorage(**asdict(found), stored=found.stored)


@router.post("/storage/collect", operation_id="collectStorage", summary="Remove what no repo can reach")
async def collect_storage(call: CallOf, body: Collection) -> Collected:
    """For administrators of the hub, who need not: it happens every night. The time of grace holds here too."""
    found = await call.run(call.services.collecting.collect_as, call.actor, is_dry=body.dry_run)
    return Collected(**asdict(found))


@router.get(
    "/repos/{ns}/{repo}/storage", operation_id="showRepoStorage", summary="How much room a repo takes"
)
async def show_repo_storage(call: CallOf, ns: Name, repo: Name) -> RepoStorage:
    """And what each of its versions added. It is counted anew each time."""
    found = await call.run(call.services.storage.of_repo, call.actor, ns, repo)
    return RepoStorage(**asdict(found), saved=found.saved)
