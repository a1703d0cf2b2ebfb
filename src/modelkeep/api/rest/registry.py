"""Artifacts, versions and stages."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from modelkeep.api.rest import render, render_history, render_policy
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import At, Name, PageOf, moment
from modelkeep.api.rest.render_annotations import version_detail
from modelkeep.api.rest.schemas.annotations import VersionDetail
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.api.rest.schemas.history import StageLeft
from modelkeep.api.rest.schemas.policy import PromotionPlan
from modelkeep.api.rest.schemas.registry import (
    NewVersion,
    Promotion,
    RegisteredVersion,
    Rollback,
    Stage,
    TagProblem,
    Unassignment,
    Version,
)

router = APIRouter(route_class=GuardedRoute, tags=["registry"])

_REPO = "/repos/{ns}/{repo}"
_ARTIFACT = _REPO + "/artifacts/{artifact}"


@router.get(_ARTIFACT + "/versions", operation_id="listVersions", summary="List an artifact's versions")
async def list_versions(
    call: CallOf,
    ns: Name,
    repo: Name,
    artifact: Name,
    page: PageOf,
    active: bool = False,
    at: At = None,
) -> Listing[Version]:
    """Greatest first; with ``active`` without those that were deregistered."""
    then = moment(at)
    if then is None:
        found = await call.run(
            call.services.versions.list, call.actor, ns, repo, artifact, page, active_only=active
        )
    else:
        found = await call.run(
            call.services.past.versions, call.actor, ns, repo, artifact, page, then, active_only=active
        )
    return render.listing(found, render.version)


@router.post(
    _ARTIFACT + "/versions", operation_id="registerVersion", summary="Register a version", status_code=201
)
async def register_version(
    call: CallOf, ns: Name, repo: Name, artifact: Name, body: NewVersion, response: Response
) -> RegisteredVersion:
    """By an annotated tag in your name, at a revision."""
    made, warnings = await call.write(
        call.services.versions.register,
        call.actor,
        ns,
        repo,
        artifact,
        version=body.version,
        bump=body.bump,
        prerelease=body.prerelease,
        revision=body.revision,
        message=body.message,
        code_commit=body.code_commit,
        run=body.run,
    )
    names = map(render.segment, (ns, repo, artifact, made.version))
    response.headers["location"] = call.url("/repos/{}/{}/artifacts/{}/versions/{}".format(*names))
    return render.registered_version(made, warnings)


@router.get(_ARTIFACT + "/versions/{version}", operation_id="showVersionOf", summary="Show a version")
async def show_version(call: CallOf, ns: Name, repo: Name, artifact: Name, version: Name) -> VersionDetail:
    """With its commit, files, annotation and signature. ``latest`` is the greatest active one."""
    found = await call.run(call.services.version_details.get, call.actor, ns, repo, artifact, version)
    return version_detail(found)


@router.get(_ARTIFACT + "/stages", operation_id="listStages", summary="List an artifact's stages")
async def list_stages(
    call: CallOf, ns: Name, repo: Name, artifact: Name, page: PageOf, at: At = None
) -> Listing[Stage]:
    """And who holds them, or held them at a moment."""
    found = await call.run(call.services.past.stages, call.actor, ns, repo, artifact, moment(at))
    return render.listing(render.page_of_all(found, page), render.stage)


@router.put(
    _ARTIFACT + "/stages/{stage}",
    operation_id="promote",
    summary="Give a stage to a version",
    status_code=201,
)
async def promote(
    call: CallOf,
    ns: Name,
    repo: Name,
    artifact: Name,
    stage: Name,
    body: Promotion,
    response: Response,
) -> Stage | PromotionPlan:
    """A revision that has no version is registered first. With `dry_run` nothing changes (200)."""
    if body.dry_run:
        plan = await call.run(
            call.services.stages.plan,
            call.actor,
            ns,
            repo,
            artifact,
            stage,
            version=body.version,
            revision=body.revision,
        )
        response.status_code = 200
        return render_policy.plan(plan)
    made = await call.write(
        call.services.stages.promote,
        call.actor,
        ns,
        repo,
        artifact,
        stage,
        version=body.version,
        revision=body.revision,
        message=body.message,
    )
    return render.stage(made)


@router.post(
    _ARTIFACT + "/stages/{stage}/rollback",
    operation_id="rollBack",
    summary="Give a stage back to the version that held it before",
    status_code=201,
)
async def roll_back(
    call: CallOf, ns: Name, repo: Name, artifact: Name, stage: Name, body: Rollback | None = None
) -> Stage:
    """By a new assignment."""
    message = body.message if body else None
    made = await call.write(
        call.services.stages.roll_back, call.actor, ns, repo, artifact, stage, message=message
    )
    return render.stage(made)


@router.delete(
    _ARTIFACT + "/stages/{stage}",
    operation_id="unassign",
    summary="Take a stage away from a version",
    status_code=201,
)
async def unassign(
    call: CallOf, ns: Name, repo: Name, artifact: Name, stage: Name, body: Unassignment | None = None
) -> StageLeft:
    """From its present holder unless another is named. 201, because it makes a tag that says so."""
    chosen = body or Unassignment()
    made, holder = await call.write(
        call.services.stages.unassign,
        call.actor,
        ns,
        repo,
        artifact,
        stage,
        version=chosen.version,
        message=chosen.message,
    )
    return render_history.stage_left(made, holder)


@router.get(
    _REPO + "/problems", operation_id="listProblems", summary="List tags that the registry cannot read"
)
async def list_problems(call: CallOf, ns: Name, repo: Name, page: PageOf) -> Listing[TagProblem]:
    """With the reason, and what to do about it."""
    found = await call.run(call.services.versions.problems, call.actor, ns, repo)
    return render.listing(render.page_of_all(found, page), render.problem)
