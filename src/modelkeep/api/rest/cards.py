"""Cards, and headers of weights."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from modelkeep.api.rest import render_cards
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.contents import COMMIT_HEADER, RevisionQuery
from modelkeep.api.rest.parameters import FilePath, Name, PageOf, Revision
from modelkeep.api.rest.schemas.cards import Card, FileHeader

router = APIRouter(route_class=GuardedRoute, prefix="/repos/{ns}/{repo}", tags=["contents"])


@router.get("/card", operation_id="showCard", summary="What a repo's README.md says")
async def show_card(
    call: CallOf, ns: Name, repo: Name, response: Response, revision: RevisionQuery = None
) -> Card:
    """Its front matter, checked; and how many parameters the weights beside it have."""
    found = await call.run(call.services.cards.of, call.actor, ns, repo, revision)
    report = await call.run(call.services.cards.report, call.actor, ns, repo, found.commit)
    response.headers[COMMIT_HEADER] = found.commit
    return render_cards.card(found, report)


@router.get("/headers/{rev}/{path:path}", operation_id="showHeader", summary="What a file of weights holds")
async def show_header(
    call: CallOf, ns: Name, repo: Name, rev: Revision, path: FilePath, page: PageOf, response: Response
) -> FileHeader:
    """The header of a safetensors, GGUF or ONNX file: tensors, parameters, inputs and outputs. Weights stay unread."""
    found = await call.run(call.services.file_headers.read, call.actor, ns, repo, rev, path)
    response.headers[COMMIT_HEADER] = found.file.commit
    return render_cards.file_header(found, page)
