"""Branches and tags."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import Call, CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name, PageOf, Search
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.contents import NewBranch, NewTag, Ref
from modelkeep.domain import objects
from modelkeep.domain.paging import PageRequest

router = APIRouter(route_class=GuardedRoute, prefix="/repos/{ns}/{repo}", tags=["branches and tags"])

_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"

WhichTags = Literal["include", "exclude", "only"]


@router.get("/branches", operation_id="listBranches", summary="List branches")
async def list_branches(
    call: CallOf, ns: Name, repo: Name, page: PageOf, query: Search = None
) -> Listing[Ref]:
    """By name."""
    return await _listed(call, ns, repo, page, _BRANCHES, query)


@router.get("/tags", operation_id="listTags", summary="List tags")
async def list_tags(
    call: CallOf, ns: Name, repo: Name, page: PageOf, query: Search = None, registry: WhichTags = "include"
) -> Listing[Ref]:
    """By name; with those of the registry (versions and stages), without them, or only them."""
    chosen = {"include": None, "exclude": False, "only": True}[registry]
    return await _listed(call, ns, repo, page, _TAGS, query, chosen)


@router.get("/refs", operation_id="listRefs", summary="List branches and tags")
async def list_refs(call: CallOf, ns: Name, repo: Name, page: PageOf, query: Search = None) -> Listing[Ref]:
    """By full name, branches first."""
    return await _listed(call, ns, repo, page, "refs/", query)


@router.post("/branches", operation_id="createBranch", summary="Make a branch", status_code=201)
async def create_branch(call: CallOf, ns: Name, repo: Name, body: NewBranch, response: Response) -> Ref:
    """At a revision."""
    target = await call.write(
        call.services.commits.create_branch, call.actor, ns, repo, body.name, body.source
    )
    name = f"{_BRANCHES}{body.name}"
    response.headers["location"] = _revision_url(call, ns, repo, name)
    return render.ref(objects.Ref(name, target, target))


@router.post("/tags", operation_id="createTag", summary="Make a tag", status_code=201)
async def create_tag(call: CallOf, ns: Name, repo: Name, body: NewTag, response: Response) -> Ref:
    """At a revision, annotated where there is a message. A version's tag is better made by registering."""
    target = await call.write(
        call.services.commits.create_tag, call.actor, ns, repo, body.name, body.source, body.message
    )
    name = f"{_TAGS}{body.name}"
    found, _ = await call.run(call.services.contents.revision, call.actor, ns, repo, name)
    response.headers["location"] = _revision_url(call, ns, repo, name)
    return render.ref(objects.Ref(name, target, found.commit))


@router.delete("/branches/{name}", operation_id="deleteBranch", summary="Delete a branch", status_code=204)
async def delete_branch(call: CallOf, ns: Name, repo: Name, name: Name) -> None:
    """Refused where it is protected."""
    await call.write(call.services.commits.delete_ref, call.actor, ns, repo, f"{_BRANCHES}{name}")


@router.delete("/tags/{name}", operation_id="deleteTag", summary="Delete a tag", status_code=204)
async def delete_tag(call: CallOf, ns: Name, repo: Name, name: Name) -> None:
    """Refused where it is protected, or part of the registry's history."""
    await call.write(call.services.commits.delete_ref, call.actor, ns, repo, f"{_TAGS}{name}")


async def _listed(
    call: Call,
    ns: str,
    repo: str,
    page: PageRequest,
    prefix: str,
    query: str | None,
    registry_tags: bool | None = None,
) -> Listing[Ref]:
    found = await call.run(
        call.services.contents.refs,
        call.actor,
        ns,
        repo,
        page,
        prefix=prefix,
        query=query,
        registry_tags=registry_tags,
    )
    return render.listing(found, render.ref)


def _revision_url(call: Call, ns: str, repo: str, name: str) -> str:
    return call.url(f"/repos/{render.segment(ns)}/{render.segment(repo)}/revisions/{render.segment(name)}")
