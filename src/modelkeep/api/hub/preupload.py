"""Before an upload: which files go through LFS, which are ignored, and what is there already."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import Call, api, ok
from modelkeep.api.hub.places import Place
from modelkeep.domain.errors import InvalidInput, TooLarge
from modelkeep.domain.lfs import MAX_SIZE
from modelkeep.services.upload_plans import OfferedFile

_MOST_FILES = 1000


def routes() -> list[Route]:
    """The routes of this module."""
    return api("/preupload/{revision}", _preupload, "POST")


async def _preupload(call: Call) -> Response:
    sent = await call.json()
    files, ignores = _files(sent), sent.get("gitIgnore")
    if not isinstance(ignores, str | None):
        raise InvalidInput("'gitIgnore' must be a text.", code="invalid_body")
    place = Place.of(call)
    if place.proposes:
        await call.run(call.services.pull_requests.announce, call.actor, call.namespace, call.repo)
    planned = await call.run(
        call.services.upload_plans.plan,
        call.actor,
        call.namespace,
        call.repo,
        place.ref or place.branch,
        files,
        ignores=None if ignores is None else ignores.encode(),
        proposes=place.proposes,
    )
    return ok(
        {
            "files": [
                {
                    "path": file.path,
                    "uploadMode": "lfs" if file.is_lfs else "regular",
                    "shouldIgnore": file.is_ignored,
                    "oid": file.present,
                }
                for file in planned
            ]
        }
    )


def _files(sent: Mapping[str, Any]) -> list[OfferedFile]:
    files = sent.get("files")
    if not isinstance(files, list):
        raise InvalidInput('Send the files as {"files": [{"path", "size", "sample"}]}.', code="invalid_body")
    if len(files) > _MOST_FILES:
        raise TooLarge(
            f"Ask about at most {_MOST_FILES} files at once; these are {len(files)}.", code="too_many_paths"
        )
    return [_file(number, file) for number, file in enumerate(files)]


def _file(number: int, sent: object) -> OfferedFile:
    fields = sent if isinstance(sent, dict) else {}
    path, size, sample = fields.get("path"), fields.get("size"), fields.get("sample", "")
    if not isinstance(path, str) or type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise InvalidInput(
            f"files.{number}: 'path' must be a text and 'size' a number of bytes.", code="invalid_body"
        )
    try:
        return OfferedFile(path, size, base64.b64decode(sample or "", validate=True))
    except (binascii.Error, TypeError, ValueError):
        raise InvalidInput(f"files.{number}: 'sample' is not base64.", code="invalid_body") from None
