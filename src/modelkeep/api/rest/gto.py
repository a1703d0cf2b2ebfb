"""What ``gto`` would print in a fresh clone, and what is wrong with a repo's registry."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import LONGEST_SEGMENT, Name, PageOf
from modelkeep.api.rest.schemas import gto as shapes
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.domain.examination import Finding
from modelkeep.domain.gto_show import ShowOptions

router = APIRouter(route_class=GuardedRoute, prefix="/repos/{ns}/{repo}", tags=["gto"])

_JSON: dict[str, Any] = {
    "response_class": Response,
    "responses": {200: {"description": "The text that `gto` prints.", "content": {"application/json": {}}}},
}

Asked = Annotated[str | None, Query(max_length=LONGEST_SEGMENT)]
Given = Annotated[str, Query(max_length=LONGEST_SEGMENT)]
Count = Annotated[int, Query(le=2**31, description="-1 for all.")]


@router.get("/gto/show", operation_id="gtoShow", summary="What `gto show --json` prints", **_JSON)
async def show(
    call: CallOf,
    ns: Name,
    repo: Name,
    name: Asked = None,
    registered_only: bool = False,
    deprecated: bool = False,
    assignments_per_version: Count = -1,
    versions_per_stage: Count = 1,
    sort: Literal["timestamp", "semver"] = "timestamp",
) -> Response:
    """All artifacts, or the versions of the one named (also `name@latest`, `name@v1.2.3`, `name#stage`)."""
    options = ShowOptions(registered_only, deprecated, assignments_per_version, versions_per_stage, sort)
    readout = call.services.gto_readout
    return _answer(await call.run(readout.show, call.actor, ns, repo, name, options))


@router.get("/gto/history", operation_id="gtoHistory", summary="What `gto history --json` prints", **_JSON)
async def history(
    call: CallOf, ns: Name, repo: Name, name: Asked = None, ascending: bool = False
) -> Response:
    """Newest first, of all artifacts or the one named."""
    readout = call.services.gto_readout
    return _answer(await call.run(readout.history, call.actor, ns, repo, name, ascending=ascending))


@router.get(
    "/gto/check-ref", operation_id="gtoCheckRef", summary="What `gto check-ref --json` prints", **_JSON
)
async def check_ref(call: CallOf, ns: Name, repo: Name, ref: Given) -> Response:
    """What a tag (`name@v1.2.3` or `refs/tags/…`) did; empty where it did nothing, as with `gto`."""
    return _answer(await call.run(call.services.gto_readout.check_ref, call.actor, ns, repo, ref))


@router.get("/gto/stages", operation_id="gtoStages", summary="What `gto stages --json` prints", **_JSON)
async def stages(call: CallOf, ns: Name, repo: Name, allowed: bool = False, used: bool = False) -> Response:
    """Those that `.gto` allows, else those in use; or only the former or the latter."""
    readout = call.services.gto_readout
    return _answer(await call.run(readout.stages, call.actor, ns, repo, allowed=allowed, used=used))


@router.get("/gto/parse-tag", operation_id="gtoParseTag", summary="What `gto parse-tag` prints", **_JSON)
async def parse_tag(call: CallOf, ns: Name, repo: Name, name: Given) -> Response:
    """The parts of a tag's name."""
    return _answer(await call.run(call.services.gto_readout.parse_tag, call.actor, ns, repo, name))


@router.get("/doctor", operation_id="examineRepo", summary="What is wrong with a repo's registry")
async def examine(call: CallOf, ns: Name, repo: Name, page: PageOf) -> Listing[shapes.Finding]:
    """Tags and files that cannot be read: the reason, what to do, and whether `gto` stops at them."""
    found = await call.run(call.services.doctor.examine, call.actor, ns, repo)
    return render.listing(render.page_of_all(found, page), _finding)


def _answer(text: str) -> Response:
    return Response(text, media_type="application/json")


def _finding(value: Finding) -> shapes.Finding:
    return shapes.Finding(
        tag=value.tag,
        file=value.file,
        line=value.line,
        code=value.code,
        reason=value.reason,
        remedy=value.remedy,
        breaks_gto=value.breaks_gto,
    )
