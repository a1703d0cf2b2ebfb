"""How much room repos take."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name
from modelkeep.api.rest.schemas.storage import Collected, Collection, HubStorage, Rechunk, RepoStorage
from modelkeep.domain import storage

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


@router.post(
    "/repos/{ns}/{repo}/storage/rechunk",
    operation_id="rechunkRepo",
    summary="Make chunks of a repo's whole files",
    status_code=202,
)
async def rechunk_repo(call: CallOf, ns: Name, repo: Name) -> Rechunk:
    """In the background; files that came through Git LFS then share what they have in common."""
    return _rechunk(await call.run(call.services.rechunking.ask, call.actor, ns, repo))


@router.get(
    "/repos/{ns}/{repo}/storage/rechunk",
    operation_id="showRechunk",
    summary="How far the making of chunks is",
)
async def show_rechunk(call: CallOf, ns: Name, repo: Name) -> Rechunk:
    """The last time that somebody asked for it."""
    return _rechunk(await call.run(call.services.rechunking.get, call.actor, ns, repo))


def _rechunk(found: storage.Rechunk) -> Rechunk:
    return Rechunk(
        state=found.state.value,
        files_done=found.files_done,
        files_total=found.files_total,
        error=found.error,
        asked_at=found.asked_at,
        ended_at=found.ended_at,
    )
