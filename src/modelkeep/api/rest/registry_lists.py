"""The one registry: artifacts and stages, across repos or in one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import Call, CallOf, GuardedRoute
from modelkeep.api.rest.parameters import At, Name, PageOf, Search, moment
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.registry import Artifact, RegistryArtifact, RegistryStage
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.registry import ArtifactFilter, ArtifactSort, ArtifactSummary

router = APIRouter(route_class=GuardedRoute, tags=["registry"])

MOST_LABELS = 20

Namespace = Annotated[
    str | None, Query(max_length=200, description="Only in repos of this user or organisation.")
]
Repo = Annotated[
    str | None, Query(max_length=400, description="Only in repos of this name: `name` or `namespace/name`.")
]
Stage = Annotated[str | None, Query(max_length=200, description="Only what is in this stage.")]
Sort = Annotated[ArtifactSort, Query(description="With a minus the greatest, or the newest, first.")]


async def _filter(
    query: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Only what has this in its repo's name, its own, its description or a label, without case.",
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        Query(max_length=MOST_LABELS, description="Only artifacts with this label; repeated: all of them."),
    ] = None,
    stage: Stage = None,
    type_: Annotated[
        str | None, Query(alias="type", max_length=200, description="Only of this type.")
    ] = None,
    registered: Annotated[
        bool | None, Query(description="Whether a registry tag speaks of it, not only a file.")
    ] = None,
    deprecated: Annotated[
        Literal["true", "false", "include"], Query(description="Only these, none of them, or either.")
    ] = "include",
) -> ArtifactFilter:
    return ArtifactFilter(
        query=query,
        labels=tuple(dict.fromkeys(label or ())),
        stage=stage,
        type=type_,
        is_registered=registered,
        is_deprecated=None if deprecated == "include" else deprecated == "true",
    )


Wanted = Annotated[ArtifactFilter, Depends(_filter)]


@router.get("/registry", operation_id="listRegistry", summary="Every artifact that you may read")
async def list_registry(
    call: CallOf,
    page: PageOf,
    wanted: Wanted,
    namespace: Namespace = None,
    repo: Repo = None,
    sort: Sort = "name",
    at: At = None,
) -> Listing[RegistryArtifact]:
    """With its latest version, what holds its stages, and what the default branch says about it."""
    found = await _artifacts(call, page, wanted.within(namespace, repo), sort, moment(at))
    return render.listing(found, render.registry_artifact)


@router.get("/registry/stages", operation_id="listRegistryStages", summary="Who is in which stage, anywhere")
async def list_registry_stages(
    call: CallOf,
    page: PageOf,
    namespace: Namespace = None,
    repo: Repo = None,
    stage: Stage = None,
    query: Search = None,
    at: At = None,
) -> Listing[RegistryStage]:
    """In the repos that you may read, by repo, artifact and stage."""
    then = moment(at)
    if then is not None:
        wanted = ArtifactFilter(namespace, repo, query, stage=stage)
        past = await call.run(call.services.past.holders, call.actor, page, wanted, then)
        return render.listing(past, render.registry_stage)
    found = await call.run(
        call.services.registry_lists.stages,
        call.actor,
        page,
        namespace=namespace,
        repo=repo,
        stage=stage,
        query=query,
    )
    return render.listing(found, render.registry_stage)


@router.get("/repos/{ns}/{repo}/artifacts", operation_id="listArtifacts", summary="List a repo's artifacts")
async def list_artifacts(
    call: CallOf, ns: Name, repo: Name, page: PageOf, wanted: Wanted, sort: Sort = "name", at: At = None
) -> Listing[Artifact]:
    """With their latest versions, what holds their stages, and what the default branch says about them."""
    found = await _artifacts(call, page, wanted, sort, moment(at), (ns, repo))
    return render.listing(found, render.artifact)


async def _artifacts(
    call: Call,
    page: PageRequest,
    wanted: ArtifactFilter,
    sort: ArtifactSort,
    at: datetime | None,
    repo: tuple[str, str] | None = None,
) -> Page[ArtifactSummary]:
    """Artifacts as they stand, or as they stood at a moment."""
    if at is None:
        lists = call.services.registry_lists
        return await call.run(lists.artifacts, call.actor, page, wanted, sort, repo=repo)
    if sort != "name":
        raise InvalidInput("The registry of a moment is sorted by name; leave sort out.", code="sort_with_at")
    return await call.run(call.services.past.overview, call.actor, page, wanted, at, repo=repo)
