"""What a repo holds at a revision: commits, directories."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import Call, CallOf, GuardedRoute
from modelkeep.api.rest.parameters import FilePath, Name, PageOf, Revision
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.contents import Commit, Resolution, Tree
from modelkeep.domain.paging import PageRequest

router = APIRouter(route_class=GuardedRoute, prefix="/repos/{ns}/{repo}", tags=["contents"])

COMMIT_HEADER = "x-modelkeep-commit"

RevisionQuery = Annotated[str | None, Query(max_length=500, description="The default branch if left out.")]
PathQuery = Annotated[str | None, Query(max_length=4096, description="Only commits that changed this path.")]


@router.get("/revisions/{rev}", operation_id="showRevision", summary="The commit that a revision names")
async def show_revision(call: CallOf, ns: Name, repo: Name, rev: Revision, response: Response) -> Resolution:
    """And, where it was named through one, the artifact, version and stage."""
    resolved, commit = await call.run(call.services.contents.revision, call.actor, ns, repo, rev)
    response.headers[COMMIT_HEADER] = commit.id
    return Resolution(
        revision=resolved.revision,
        commit=render.commit(commit),
        artifact=resolved.artifact,
        version=resolved.version,
        stage=resolved.stage,
    )


@router.get("/commits", operation_id="listCommits", summary="The history of a revision")
async def list_commits(
    call: CallOf, ns: Name, repo: Name, page: PageOf, revision: RevisionQuery = None, path: PathQuery = None
) -> Listing[Commit]:
    """Newest first; of a file or directory with ``path``."""
    found = await call.run(call.services.contents.commits, call.actor, ns, repo, revision, path, page)
    return render.listing(found, render.commit)


@router.get("/commits/{commit_id}", operation_id="showCommit", summary="Show a commit")
async def show_commit(call: CallOf, ns: Name, repo: Name, commit_id: Name) -> Commit:
    """By its id, or the first characters of it (at least 4)."""
    return render.commit(await call.run(call.services.contents.commit, call.actor, ns, repo, commit_id))


@router.get("/tree/{rev}", operation_id="listRoot", summary="List the root directory")
async def list_root(
    call: CallOf,
    ns: Name,
    repo: Name,
    rev: Revision,
    page: PageOf,
    response: Response,
    recursive: bool = False,
) -> Tree:
    """Its entries by path; with ``recursive`` everything below too."""
    return await _tree(call, (ns, repo, rev, ""), page, response, recursive)


@router.get("/tree/{rev}/{path:path}", operation_id="listDirectory", summary="List a directory")
async def list_directory(
    call: CallOf,
    ns: Name,
    repo: Name,
    rev: Revision,
    path: FilePath,
    page: PageOf,
    response: Response,
    recursive: bool = False,
) -> Tree:
    """Its entries by path; with ``recursive`` everything below too. LFS files have the size of their content."""
    return await _tree(call, (ns, repo, rev, path.rstrip("/")), page, response, recursive)


async def _tree(
    call: Call, place: tuple[str, str, str, str], page: PageRequest, response: Response, recursive: bool
) -> Tree:
    commit, found = await call.run(call.services.contents.tree, call.actor, *place, recursive, page)
    response.headers[COMMIT_HEADER] = commit
    return Tree(
        items=[render.entry(entry) for entry in found.items], next_cursor=found.next_cursor, commit=commit
    )
