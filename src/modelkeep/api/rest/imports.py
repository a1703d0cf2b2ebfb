"""Imports: repos that take over what a repo of another hub holds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Number, PageOf
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.imports import Import, ImportFailure, ImportProgress, NewImport
from modelkeep.domain.access import Visibility
from modelkeep.domain.errors import InvalidInput
from modelkeep.services.imports import ImportOfRepo

router = APIRouter(route_class=GuardedRoute, prefix="/imports", tags=["imports"])

OfRepo = Annotated[
    str | None,
    Query(max_length=500, description="Only of this repo, `namespace/name` or `datasets/namespace/name`."),
]


@router.get("", operation_id="listImports", summary="List imports")
async def list_imports(call: CallOf, page: PageOf, repo: OfRepo = None) -> Listing[Import]:
    """Those into repos that you may read, the newest first."""
    place = None
    if repo is not None:
        namespace, _, name = repo.rpartition("/")
        if not namespace:
            raise InvalidInput("Name a repo as namespace/name.", code="invalid_name")
        place = (namespace, name)
    found = await call.run(call.services.imports.list, call.actor, page, repo=place)
    return render.listing(found, _import)


@router.post("", operation_id="createImport", summary="Begin an import", status_code=201)
async def create_import(call: CallOf, body: NewImport, response: Response) -> Import:
    """The source is asked at once which commit is meant; a job does the rest.

    Asking again for the same repo changes what is wanted and begins anew, with status 200; what was fetched stays.
    """
    made, is_new = await call.rest.limits.run_outbound(
        call.services.imports.create,
        call.actor,
        body.source,
        target=body.repo,
        revision=body.revision,
        endpoint=body.endpoint,
        include=body.include,
        exclude=body.exclude,
        token=body.token,
        every=body.every,
        visibility=Visibility(body.visibility) if body.visibility is not None else None,
    )
    if not is_new:
        response.status_code = 200
    response.headers["location"] = call.url(f"/imports/{made.value.id}")
    return _import(made)


@router.get("/{import_id}", operation_id="getImport", summary="An import, and how far it is")
async def get_import(call: CallOf, import_id: Number) -> Import:
    """For those who may read its repo."""
    return _import(await call.run(call.services.imports.get, call.actor, import_id))


@router.post("/{import_id}/sync", operation_id="syncImport", summary="Look for changes now", status_code=202)
async def sync_import(call: CallOf, import_id: Number) -> Import:
    """Only files that have changed are fetched; where nothing has, there is no commit."""
    return _import(await call.run(call.services.imports.sync, call.actor, import_id))


@router.post("/{import_id}/cancel", operation_id="cancelImport", summary="End an import, and its schedule")
async def cancel_import(call: CallOf, import_id: Number) -> Import:
    """What was fetched is kept for a week, in case it goes on."""
    return _import(await call.run(call.services.imports.cancel, call.actor, import_id))


@router.delete(
    "/{import_id}", operation_id="deleteImport", summary="Forget where a repo came from", status_code=204
)
async def delete_import(call: CallOf, import_id: Number) -> None:
    """With the token. The repo keeps its files and their history."""
    await call.run(call.services.imports.delete, call.actor, import_id)


def _import(found: ImportOfRepo) -> Import:
    value = found.value
    progress = value.progress
    return Import(
        id=value.id,
        repo=found.repo.address,
        endpoint=value.source.endpoint,
        kind=value.source.kind.value,
        source=value.source.name,
        url=f"{value.source.endpoint}/{value.source.address}",
        has_token=value.has_token,
        revision=value.revision,
        include=list(value.choice.include),
        exclude=list(value.choice.exclude),
        every=int(value.every.total_seconds()) if value.every is not None else None,
        state=value.state.value,
        wanted_commit=value.wanted_commit,
        imported_commit=value.imported_commit,
        result_commit=value.result_commit,
        progress=ImportProgress(
            files_done=progress.files_done,
            files_total=progress.files_total,
            bytes_done=progress.bytes_done,
            bytes_total=progress.bytes_total,
        ),
        error=ImportFailure(code=value.error_code, message=value.error or "") if value.error_code else None,
        next_at=value.next_at,
        created_at=value.created_at,
        created_by=value.created_by,
        started_at=value.started_at,
        finished_at=value.finished_at,
    )
