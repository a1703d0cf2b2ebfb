"""The content of files: ``resolve``, as downloads ask for it, and ``raw``.

What a client keeps a file under is its ETag: Git's id of the blob, of an LFS file its sha256. Both follow from the
content alone, so they never change for it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.http.downloads import Content, ContentResponse
from modelkeep.api.http.media_types import TEXT, media_type_of
from modelkeep.api.hub.calls import Call, api, page
from modelkeep.api.hub.xet_tokens import xet_hashes, xet_headers

_PATH = "/{revision}/{path:path}"
_METHODS = ("GET", "HEAD")
_COUNTED = "x-hf-download-counter"
"""By this header clients say that they download; those before 2.0 say nothing."""


def routes() -> list[Route]:
    """The routes of this module."""
    return [
        *page(f"/resolve{_PATH}", _resolve, *_METHODS),
        *api(f"/resolve{_PATH}", _resolve, *_METHODS),
        *page(f"/raw{_PATH}", _raw, *_METHODS),
    ]


async def _resolve(call: Call) -> Response:
    return await _send(call, pointer=False)


async def _raw(call: Call) -> Response:
    return await _send(call, pointer=True)


async def _send(call: Call, *, pointer: bool) -> Response:
    path = call.part("path")
    file = await call.run(
        call.services.contents.file,
        call.actor,
        call.namespace,
        call.repo,
        call.revision,
        path,
        pointer=pointer,
    )
    if file.repo is not None:
        call.here(file.repo)
        if _is_download(call):
            call.services.downloads.count(file.repo.id, _visitor(call))
    headers = {"X-Repo-Commit": file.commit}
    about: dict[str, Any] = {
        "size": file.size,
        "etag": file.etag,
        "filename": path.rsplit("/", 1)[-1],
        "media_type": TEXT if pointer else media_type_of(path),
    }
    if file.lfs_oid is None:
        content = Content(**about, open_range=partial(call.services.contents.open_blob, file))
    else:
        blob = await call.run(call.services.transfers.blob, file.lfs_oid)
        headers |= {"X-Linked-Etag": f'"{file.lfs_oid}"', "X-Linked-Size": str(file.size)}
        for xet_hash in (await xet_hashes(call, [(file.lfs_oid, file.size)])).values():
            headers |= xet_headers(call, file.commit, xet_hash)
        content = Content(**about, path=blob.path, open_range=blob.open_range)
    return ContentResponse(content, call.room.limits, acceleration=call.room.acceleration, headers=headers)


def _is_download(call: Call) -> bool:
    headers = call.request.headers
    return call.request.method == "GET" and (_COUNTED in headers or "range" not in headers)


def _visitor(call: Call) -> str:
    actor = call.actor
    return actor.address if actor.is_anonymous else f"user {actor.user_id}"
