"""LFS files of a repo: listed, deleted for good, given to another repo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.hub.calls import Call, api, kind_of, ok, place_of
from modelkeep.api.hub.render import Json, date_text
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.lfs import Oid
from modelkeep.domain.paging import PageRequest
from modelkeep.services.lfs_files import LfsFile

_PAGE, _MOST = 100, 1000


def routes() -> list[Route]:
    """The routes of this module."""
    return [
        *api("/lfs-files", _list),
        *api("/lfs-files/batch", _delete, "POST"),
        *api("/lfs-files/duplicate", _duplicate, "POST"),
    ]


async def _list(call: Call) -> Response:
    page = PageRequest.parse(call.limit(_PAGE, _MOST), call.query("cursor"))
    found = await call.run(call.services.lfs_files.held, call.actor, call.namespace, call.repo, page)
    return ok([_file(one) for one in found.items], 200, call.next_page(found.next_cursor))


async def _delete(call: Call) -> Response:
    deletions = (await call.json()).get("deletions")
    oids = deletions.get("sha") if isinstance(deletions, dict) else None
    rewrites = deletions.get("rewriteHistory", True) if isinstance(deletions, dict) else True
    if not isinstance(oids, list) or not isinstance(rewrites, bool):
        raise InvalidInput(
            'Send {"deletions": {"sha": […], "rewriteHistory": true or false}}.', code="invalid_body"
        )
    await call.write(
        call.services.lfs_files.delete,
        call.actor,
        call.namespace,
        call.repo,
        [Oid.parse(oid) for oid in oids],
        rewrites_history=rewrites,
    )
    return ok({"success": True})


async def _duplicate(call: Call) -> Response:
    sent = await call.json()
    oids = _oids(sent)
    failed = await call.run(
        call.services.lfs_files.duplicate, call.actor, (call.namespace, call.repo), _target(sent), oids
    )
    return ok(
        {"failed": [{"sha256": oid, "error": "The source repo holds no such object."} for oid in failed]}
    )


def _target(sent: Mapping[str, Any]) -> tuple[str, str]:
    target = sent.get("target")
    fields = target if isinstance(target, dict) else {}
    full_name = fields.get("name")
    namespace, slash, name = full_name.partition("/") if isinstance(full_name, str) else ("", "", "")
    if not slash:
        raise InvalidInput(
            'Send the target as {"target": {"type": "model", "name": "NAMESPACE/REPO"}}.', code="invalid_body"
        )
    return place_of(kind_of(fields.get("type")), namespace), name


def _oids(sent: Mapping[str, Any]) -> list[Oid]:
    files = sent.get("files")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise InvalidInput('Send the files as {"files": [{"sha256": …}]}.', code="invalid_body")
    return list(dict.fromkeys(Oid.parse(file.get("sha256")) for file in files))


def _file(found: LfsFile) -> Json:
    return {
        "fileOid": found.blob.oid,
        "filename": found.path or found.blob.oid,
        "oid": found.blob.oid,
        "pushedAt": date_text(found.blob.held_since),
        "ref": found.ref.removeprefix("refs/heads/") if found.ref is not None else None,
        "size": found.blob.size,
    }
