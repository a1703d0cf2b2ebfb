"""The content of files, LFS resolved."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from modelkeep.api.http.downloads import Content, ContentResponse
from modelkeep.api.http.media_types import media_type_of
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.contents import COMMIT_HEADER
from modelkeep.api.rest.parameters import FilePath, Name, Revision

router = APIRouter(route_class=GuardedRoute, prefix="/repos/{ns}/{repo}", tags=["contents"])

SHA256_HEADER = "x-modelkeep-sha256"

_BINARY: dict[str, Any] = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole file.", "content": {"application/octet-stream": _BINARY}},
    206: {"description": "The range that was asked for.", "content": {"application/octet-stream": _BINARY}},
    304: {"description": "The client has it already (If-None-Match)."},
    416: {"description": "The range begins behind the end of the file."},
}
_ABOUT: dict[str, Any] = {"responses": _ANSWERS, "response_class": Response}


@router.head("/files/{rev}/{path:path}", operation_id="checkFile", summary="A file's size and hash", **_ABOUT)
@router.get("/files/{rev}/{path:path}", operation_id="readFile", summary="The content of a file", **_ABOUT)
async def read_file(
    call: CallOf, ns: Name, repo: Name, rev: Revision, path: FilePath, pointer: bool = False
) -> Response:
    """With ``pointer`` an LFS file's pointer instead of what it stands for. Ranges work."""
    contents = call.services.contents
    file = await call.run(contents.file, call.actor, ns, repo, rev, path, pointer=pointer)
    headers = {COMMIT_HEADER: file.commit}
    about: dict[str, Any] = {
        "size": file.size,
        "etag": file.etag,
        "filename": path.rsplit("/", 1)[-1],
        "media_type": media_type_of(path),
    }
    if file.lfs_oid is None:
        content = Content(**about, open_range=partial(contents.open_blob, file))
    else:
        blob = await call.run(call.services.transfers.blob, file.lfs_oid)
        headers[SHA256_HEADER] = file.lfs_oid
        content = Content(**about, path=blob.path, open_range=blob.open_range)
    return ContentResponse(content, call.rest.limits, acceleration=call.rest.acceleration, headers=headers)
