"""Listings of files: ``tree`` by directory, ``paths-info`` by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.routing import Route

from modelkeep.api.http.bodies import parse_json
from modelkeep.api.hub.calls import Call, api, ok
from modelkeep.api.hub.render import entry
from modelkeep.api.hub.xet_tokens import xet_hashes
from modelkeep.domain.errors import InvalidInput, TooLarge
from modelkeep.services.browsing import Entries

_PAGE = 1000
_EXPANDED_PAGE = 50
_MOST_PATHS = 1000


def routes() -> list[Route]:
    """The routes of this module."""
    return [
        *api("/tree/{revision}", _tree),
        *api("/tree/{revision}/{path:path}", _tree),
        *api("/paths-info/{revision}", _paths_info, "POST"),
    ]


async def _tree(call: Call) -> Response:
    is_expanded = call.is_set("expand")
    most = _EXPANDED_PAGE if is_expanded else _PAGE
    found = await call.run(
        _directory,
        call,
        call.part("path").strip("/") if "path" in call.request.path_params else "",
        call.limit(most, most),
        is_expanded,
    )
    return await _answer(call, found, is_expanded, call.next_page(found.next_cursor))


def _directory(call: Call, path: str, limit: int, is_expanded: bool) -> Entries:
    browsing = call.services.browsing
    snapshot = browsing.at(call.actor, call.namespace, call.repo, call.revision)
    call.here(snapshot.repo)
    return browsing.directory(
        snapshot,
        path,
        recursive=call.is_set("recursive"),
        limit=limit,
        cursor=call.query("cursor"),
        with_changes=is_expanded,
    )


async def _paths_info(call: Call) -> Response:
    paths, is_expanded = _wanted(await call.body(), call.request.headers.get("content-type", ""))
    found = await call.run(_entries, call, paths, is_expanded)
    return await _answer(call, found, is_expanded, {}, every_hash=True)


def _entries(call: Call, paths: list[str], is_expanded: bool) -> Entries:
    browsing = call.services.browsing
    snapshot = browsing.at(call.actor, call.namespace, call.repo, call.revision)
    call.here(snapshot.repo)
    return browsing.entries(snapshot, [path for path in paths if path], with_changes=is_expanded)


async def _answer(
    call: Call, found: Entries, is_expanded: bool, headers: Mapping[str, str], *, every_hash: bool = False
) -> Response:
    sizes = [(item.lfs_oid, item.size or 0) for item in found.items]
    hashes = await xet_hashes(call, sizes, every=every_hash)
    bodies = [entry(item, found.changes, is_expanded=is_expanded) for item in found.items]
    for item, body in zip(found.items, bodies, strict=True):
        xet_hash = hashes.get(item.lfs_oid or "")
        if xet_hash is not None:
            body["xetHash"] = xet_hash
    return ok(bodies, 200, headers)


def _wanted(body: bytes, content_type: str) -> tuple[list[str], bool]:
    """The paths that a body asks for, a form or JSON, and whether with their last commits.

    Raises:
        InvalidInput: It is neither.
        TooLarge: There are too many paths.
    """
    if content_type.partition(";")[0].strip().lower() == "application/json":
        paths, expand = _from_json(parse_json(body) if body.strip() else {})
    else:
        paths, expand = _from_form(body)
    if len(paths) > _MOST_PATHS:
        raise TooLarge(
            f"Ask for at most {_MOST_PATHS} paths at once; these are {len(paths)}.", code="too_many_paths"
        )
    return paths, expand


def _from_json(sent: Any) -> tuple[list[str], bool]:
    paths = sent.get("paths", []) if isinstance(sent, dict) else None
    if isinstance(paths, str):
        paths = [paths]
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise InvalidInput('Send the paths as {"paths": ["a", "b/c"]}.', code="invalid_body")
    return paths, str(sent.get("expand", "")).lower() in ("1", "true", "yes")


def _from_form(body: bytes) -> tuple[list[str], bool]:
    try:
        form = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=10_000)
    except (UnicodeDecodeError, ValueError):
        raise InvalidInput(
            "The body is no form; send it as paths=a&paths=b%2Fc.", code="invalid_body"
        ) from None
    return form.get("paths", []), (form.get("expand") or [""])[-1].lower() in ("1", "true", "yes")
