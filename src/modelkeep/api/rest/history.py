"""The registry through time: its events, the periods of a stage, what changed between two moments."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from modelkeep.api.rest import render, render_history
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import At, Filter, Name, PageOf, moment
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.history import EventName, Period, RegistryEvent, StageChange
from modelkeep.api.rest.schemas.registry import Stage
from modelkeep.domain.past import HistoryFilter
from modelkeep.domain.tag_grammar import EventKind
from modelkeep.domain.versions import SemVer

router = APIRouter(route_class=GuardedRoute, tags=["registry"])

_REPO = "/repos/{ns}/{repo}"
_ARTIFACT = _REPO + "/artifacts/{artifact}"
_STAGE = _ARTIFACT + "/stages/{stage}"


async def _wanted(
    stage: Filter = None,
    version: Annotated[
        str | None, Query(max_length=500, description="Only about this version, also through its commit.")
    ] = None,
    event: Annotated[EventName | None, Query(description="Only of this kind.")] = None,
    author: Annotated[
        str | None, Query(max_length=500, description="Only by somebody of this name or e-mail address.")
    ] = None,
    since: Annotated[str | None, Query(max_length=100, description="Not before this moment.")] = None,
    until: Annotated[str | None, Query(max_length=100, description="Not after this moment.")] = None,
) -> HistoryFilter:
    return HistoryFilter(
        stage=stage,
        version=str(SemVer.parse_lenient(version)) if version is not None else None,
        kind=EventKind(event) if event is not None else None,
        author=author,
        since=moment(since),
        until=moment(until),
    )


Wanted = Annotated[HistoryFilter, Depends(_wanted)]
Ascending = Annotated[bool, Query(description="The oldest first.")]


@router.get("/registry/history", operation_id="listRegistryHistory", summary="What happened in the registry")
async def list_registry_history(
    call: CallOf,
    page: PageOf,
    wanted: Wanted,
    namespace: Filter = None,
    repo: Filter = None,
    artifact: Filter = None,
    ascending: Ascending = False,
) -> Listing[RegistryEvent]:
    """Newest first, over all repos that you may read."""
    within = _narrowed(wanted, artifact, namespace, repo)
    found = await call.run(call.services.history.events, call.actor, page, within, is_ascending=ascending)
    return render.listing(found, render_history.registry_event)


@router.get(
    "/registry/diff", operation_id="diffRegistry", summary="What changed in stages between two moments"
)
async def diff_registry(
    call: CallOf,
    page: PageOf,
    from_: Annotated[str, Query(alias="from", max_length=100, description="The first moment.")],
    to: Annotated[
        str | None, Query(max_length=100, description="The last moment; all that is known if left out.")
    ] = None,
    namespace: Filter = None,
    repo: Filter = None,
    stage: Filter = None,
) -> Listing[StageChange]:
    """Each stage that another version holds than before, by repo, artifact and stage."""
    found = await call.run(
        call.services.past.diff,
        call.actor,
        page,
        moment(from_),
        moment(to),
        namespace=namespace,
        repo=repo,
        stage=stage,
    )
    return render.listing(found, render_history.change)


@router.get(_REPO + "/history", operation_id="listRepoHistory", summary="What happened in a repo's registry")
async def list_repo_history(
    call: CallOf,
    ns: Name,
    repo: Name,
    page: PageOf,
    wanted: Wanted,
    artifact: Filter = None,
    ascending: Ascending = False,
) -> Listing[RegistryEvent]:
    """Newest first."""
    within = _narrowed(wanted, artifact)
    found = await call.run(
        call.services.history.events, call.actor, page, within, repo=(ns, repo), is_ascending=ascending
    )
    return render.listing(found, render_history.registry_event)


@router.get(
    _ARTIFACT + "/history", operation_id="listArtifactHistory", summary="What happened to an artifact"
)
async def list_artifact_history(
    call: CallOf,
    ns: Name,
    repo: Name,
    artifact: Name,
    page: PageOf,
    wanted: Wanted,
    ascending: Ascending = False,
) -> Listing[RegistryEvent]:
    """Newest first."""
    within = _narrowed(wanted, artifact)
    found = await call.run(
        call.services.history.of_artifact, call.actor, ns, repo, page, within, is_ascending=ascending
    )
    return render.listing(found, render_history.registry_event)


@router.get(_STAGE, operation_id="showStage", summary="Who holds a stage")
async def show_stage(call: CallOf, ns: Name, repo: Name, artifact: Name, stage: Name, at: At = None) -> Stage:
    """Or who held it at a moment."""
    return render.stage(
        await call.run(call.services.past.stage, call.actor, ns, repo, artifact, stage, moment(at))
    )


@router.get(_STAGE + "/history", operation_id="listStagePeriods", summary="Who held a stage when")
async def list_stage_periods(
    call: CallOf,
    ns: Name,
    repo: Name,
    artifact: Name,
    stage: Name,
    page: PageOf,
    ascending: Ascending = False,
) -> Listing[Period]:
    """The last first; there is none for a time in which nobody held it."""
    periods = await call.run(call.services.history.timeline, call.actor, ns, repo, artifact, stage)
    found = periods if ascending else periods[::-1]
    return render.listing(render.page_of_all(found, page), render_history.period)


def _narrowed(
    wanted: HistoryFilter, artifact: str | None, namespace: str | None = None, repo: str | None = None
) -> HistoryFilter:
    return replace(wanted, artifact=artifact, namespace=namespace, repo=repo)
