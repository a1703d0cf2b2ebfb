"""What files of a repo say about its artifacts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from modelkeep.api.rest import render
from modelkeep.api.rest.calls import CallOf, GuardedRoute
from modelkeep.api.rest.parameters import Name, PageOf
from modelkeep.api.rest.render_annotations import annotation as shape
from modelkeep.api.rest.schemas import annotations as shapes
from modelkeep.api.rest.schemas.base import Listing
from modelkeep.domain.annotation_changes import FIELDS, AnnotationChange

router = APIRouter(route_class=GuardedRoute, prefix="/repos/{ns}/{repo}", tags=["annotations"])

_ARTIFACT = "/artifacts/{artifact}/annotation"

At = Annotated[
    str | None,
    Query(max_length=500, description="A branch, tag, commit or version; the default branch if left out."),
]


@router.get(
    "/annotations", operation_id="listAnnotations", summary="List what a repo says about its artifacts"
)
async def list_annotations(
    call: CallOf, ns: Name, repo: Name, page: PageOf, revision: At = None
) -> Listing[shapes.Annotation]:
    """By name: the entries of `artifacts.yaml` and of every `dvc.yaml`."""
    found = await call.run(call.services.annotations.read, call.actor, ns, repo, revision)
    by_name = [found.annotations[name] for name in sorted(found.annotations)]
    return render.listing(render.page_of_all(by_name, page), shape)


@router.get(_ARTIFACT, operation_id="describe", summary="Show what a repo says about an artifact")
async def describe(
    call: CallOf, ns: Name, repo: Name, artifact: Name, revision: At = None
) -> shapes.Annotation:
    """At a revision."""
    return shape(await call.run(call.services.annotations.describe, call.actor, ns, repo, artifact, revision))


@router.patch(
    _ARTIFACT,
    operation_id="annotate",
    summary="Say something about an artifact",
    status_code=201,
    responses={200: {"model": shapes.AnnotationMade, "description": "The file says so already."}},
)
async def annotate(
    call: CallOf, ns: Name, repo: Name, artifact: Name, body: shapes.AnnotationChange, response: Response
) -> shapes.AnnotationMade:
    """By a commit in your name to the file that speaks of it. Comments and order stay; 200 if it said so already."""
    change = AnnotationChange(
        {name: getattr(body, name) for name in FIELDS if name in body.model_fields_set},
        body.add_labels,
        body.remove_labels,
        body.must_exist,
        body.allow_same_path,
    )
    made, commit = await call.write(
        call.services.annotation_writes.annotate,
        call.actor,
        ns,
        repo,
        artifact,
        change,
        branch=body.branch,
        message=body.message,
    )
    if commit is None:
        response.status_code = 200
    return shapes.AnnotationMade(annotation=shape(made), commit=render.commit(commit) if commit else None)


@router.delete(
    _ARTIFACT, operation_id="removeAnnotation", summary="Remove what a repo says about an artifact"
)
async def remove_annotation(
    call: CallOf, ns: Name, repo: Name, artifact: Name, body: shapes.AnnotationRemoval | None = None
) -> shapes.AnnotationRemoved:
    """By a commit in your name. Its versions and stages stay."""
    chosen = body or shapes.AnnotationRemoval()
    commit = await call.write(
        call.services.annotation_writes.remove,
        call.actor,
        ns,
        repo,
        artifact,
        branch=chosen.branch,
        message=chosen.message,
    )
    return shapes.AnnotationRemoved(commit=render.commit(commit))
