"""Repos: list, make, show, change, move, delete, restore."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import Call, CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name, PageOf, Search
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.repos import (
    DeletedRepo,
    Dependant,
    NewRepo,
    Repo,
    RepoChange,
    RepoSize,
    SizedRepo,
)
from modelkeep.domain.access import Visibility
from modelkeep.domain.catalogue import HubFilter
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.repos import RepoKind
from modelkeep.services.access import RepoAccess

router = APIRouter(route_class=GuardedRoute, prefix="/repos", tags=["repos"])

Labels = Annotated[
    list[str], Query(alias="label", max_length=20, description="Only those with all of these.")
]


def _said(what: str) -> Any:
    return Query(max_length=200, description=f"Only those whose card {what}.")


async def _wanted(
    license_: Annotated[
        str | None,
        Query(alias="license", max_length=200, description="Only those whose card gives this license."),
    ] = None,
    library: Annotated[str | None, _said("names this library")] = None,
    pipeline_tag: Annotated[str | None, _said("says that the model does this")] = None,
    base_model: Annotated[str | None, _said("names this base model")] = None,
    tags: Annotated[
        list[str] | None,
        Query(
            alias="tag",
            max_length=20,
            description="Only those with this tag, such as `dataset:imdb`; all of them.",
        ),
    ] = None,
) -> HubFilter:
    named = {"license": license_, "base_model": base_model}
    found = [*(tags or ()), *(f"{name}:{value}" for name, value in named.items() if value is not None)]
    return HubFilter(tags=tuple(found), pipeline_tag=pipeline_tag, library=library)


Wanted = Annotated[HubFilter, Depends(_wanted)]


@router.get("", operation_id="listRepos", summary="List and search repos")
async def list_repos(
    call: CallOf,
    page: PageOf,
    wanted: Wanted,
    namespace: str | None = None,
    query: Search = None,
    labels: Labels = [],  # noqa: B006 - FastAPI copies it
    visibility: Visibility | None = None,
    kind: RepoKind | None = None,
    sort: Literal["updated", "name", "created", "downloads"] = "updated",
) -> Listing[Repo]:
    """Those that you may read; without signing in, the public ones."""
    found = await call.run(
        call.services.repos.list,
        call.actor,
        page,
        namespace=namespace,
        query=query,
        labels=labels,
        visibility=visibility,
        kind=kind,
        sort=sort,
        wanted=wanted,
    )
    roles = await call.run(call.services.repos.roles, call.actor, found.items)
    return render.listing(found, lambda repo: render.repo(repo, roles.get(repo.id), call.base_url))


@router.post("", operation_id="createRepo", summary="Make a repo", status_code=201)
async def create_repo(call: CallOf, body: NewRepo, response: Response) -> Repo:
    """With a first commit that tells git-lfs about the usual weight formats, unless ``empty``."""
    owner = body.namespace if body.namespace is not None else call.actor.username
    access = await call.run(
        call.services.repos.create,
        call.actor,
        f"datasets/{owner}" if body.kind == "dataset" else owner,
        body.name,
        description=body.description,
        labels=body.labels,
        visibility=body.visibility,
        default_branch=body.default_branch,
        empty=body.empty,
    )
    response.headers["location"] = call.url(render.repo_path(access.repo))
    return _shape(call, access)


@router.get("/{ns}/{repo}", operation_id="showRepo", summary="Show a repo")
async def show_repo(call: CallOf, ns: Name, repo: Name, response: Response) -> SizedRepo:
    """Also by an old name; ``Content-Location`` and ``full_name`` say the present one."""
    access = await call.run(call.services.repos.get, call.actor, ns, repo)
    usage = await call.run(call.services.repos.usage, access)
    response.headers["content-location"] = call.url(render.repo_path(access.repo))
    size = RepoSize(lfs_bytes=usage.lfs_bytes, lfs_files=usage.lfs_files)
    return SizedRepo(**_shape(call, access).model_dump(), size=size)


@router.patch("/{ns}/{repo}", operation_id="updateRepo", summary="Change, rename or transfer a repo")
async def update_repo(call: CallOf, ns: Name, repo: Name, body: RepoChange) -> Repo:
    """Maintainers describe it; owners change its visibility, name and namespace. Old names keep working."""
    changes = body.model_dump(exclude={"name", "namespace"}, exclude_none=True)
    moves = body.name is not None or body.namespace is not None
    if changes and moves:
        raise InvalidInput(
            "Move a repo (name, namespace) and change it (everything else) in two requests.",
            code="move_and_change",
        )
    if moves:
        return _shape(
            call,
            await call.run(
                call.services.repos.move,
                call.actor,
                ns,
                repo,
                new_namespace=body.namespace,
                new_name=body.name,
            ),
        )
    access = await call.run(
        call.services.repos.update,
        call.actor,
        ns,
        repo,
        description=body.description,
        labels=body.labels,
        visibility=body.visibility,
        default_branch=body.default_branch,
        strict_tags=body.strict_tags,
    )
    return _shape(call, access)


@router.delete("/{ns}/{repo}", operation_id="deleteRepo", summary="Delete a repo")
async def delete_repo(call: CallOf, ns: Name, repo: Name, force: bool = False) -> DeletedRepo:
    """Refused while something depends on it, unless forced. It can be restored for a while."""
    until = await call.run(call.services.repos.delete, call.actor, ns, repo, force=force)
    return DeletedRepo(restorable_until=until)


@router.post("/{ns}/{repo}/restore", operation_id="restoreRepo", summary="Bring a deleted repo back")
async def restore_repo(call: CallOf, ns: Name, repo: Name) -> Repo:
    """Only owners of its namespace may."""
    return _shape(call, await call.run(call.services.repos.restore, call.actor, ns, repo))


@router.get("/{ns}/{repo}/dependants", operation_id="listDependants", summary="What depends on a repo")
async def list_dependants(call: CallOf, ns: Name, repo: Name, page: PageOf) -> Listing[Dependant]:
    """What would break if the repo went away: the stages that its versions hold."""
    found = await call.run(call.services.repos.dependants, call.actor, ns, repo)
    return render.listing(
        render.page_of_all(found, page),
        lambda item: Dependant(kind=item["kind"], name=item["name"], version=item.get("version")),
    )


def _shape(call: Call, access: RepoAccess) -> Repo:
    return render.repo(access.repo, access.role, call.base_url)
