"""Writing to a repo without a clone."""

from __future__ import annotations

import base64
import binascii

from fastapi import APIRouter
from starlette.responses import Response

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import Call, CallOf, GuardedRoute, Rest
from modelkeep.api.rest.parameters import Name
from modelkeep.api.rest.schemas.contents import (
    AddOperation,
    CopyOperation,
    FileStorage,
    FileStorages,
    MadeCommit,
    NewCommit,
    Operation,
    PlannedFiles,
)
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.lfs import Oid, Pointer
from modelkeep.domain.objects import Commit
from modelkeep.services import commits


class CommitRoute(GuardedRoute):
    """A route whose body may hold files."""

    def body_limit(self, rest: Rest) -> int:
        """The hub's rule for commits."""
        return rest.services.rules.max_commit_body


router = APIRouter(route_class=CommitRoute, prefix="/repos/{ns}/{repo}", tags=["commits"])


@router.post("/preupload", operation_id="planUpload", summary="Which files belong in LFS")
async def plan_upload(call: CallOf, ns: Name, repo: Name, body: PlannedFiles) -> FileStorages:
    """By the ``.gitattributes`` of the revision, or by their size. For those who may write."""
    storages = await call.run(
        call.services.commits.storage_for,
        call.actor,
        ns,
        repo,
        body.revision,
        [(file.path, file.size) for file in body.files],
    )
    return FileStorages(
        items=[
            FileStorage(path=file.path, storage="lfs" if storages[file.path] else "git")
            for file in body.files
        ]
    )


@router.post("/commits", operation_id="createCommit", summary="Make a commit", status_code=201)
async def create_commit(
    call: CallOf, ns: Name, repo: Name, body: NewCommit, response: Response
) -> MadeCommit:
    """On a branch, in your name. LFS objects are uploaded before, through the repo's LFS address."""
    branch, commit = await call.write(_commit, call, ns, repo, body)
    response.headers["location"] = call.url(
        f"/repos/{render.segment(ns)}/{render.segment(repo)}/commits/{commit.id}"
    )
    return MadeCommit(commit=render.commit(commit), branch=branch)


def _commit(call: Call, ns: str, repo: str, body: NewCommit) -> tuple[str, Commit]:
    return call.services.commits.commit(
        call.actor,
        ns,
        repo,
        [_operation(number, operation) for number, operation in enumerate(body.operations)],
        body.message,
        branch=body.branch,
        parent=body.parent,
        create_branch_from=body.create_branch_from,
    )


def _operation(number: int, sent: Operation) -> commits.Operation:
    if isinstance(sent, CopyOperation):
        return commits.CopyFile(sent.source, sent.to)
    if not isinstance(sent, AddOperation):
        return commits.DeletePath(sent.path)
    given = [value for value in (sent.content, sent.content_base64, sent.lfs) if value is not None]
    if len(given) != 1:
        raise InvalidInput(
            f"operations.{number}: 'add' takes exactly one of content, content_base64 and lfs.",
            code="operation_content",
            path=sent.path,
        )
    if sent.lfs is not None:
        return commits.AddFile(sent.path, lfs=Pointer(Oid(sent.lfs.oid), sent.lfs.size))
    if sent.content is not None:
        return commits.AddFile(sent.path, sent.content.encode())
    try:
        return commits.AddFile(sent.path, base64.b64decode(sent.content_base64 or "", validate=True))
    except (binascii.Error, ValueError):
        raise InvalidInput(
            f"operations.{number}: content_base64 is not base64 (RFC 4648, with padding).",
            code="operation_content",
            path=sent.path,
        ) from None
