"""Imports from other hubs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt, StringConstraints

from modelkeep.api.rest.schemas.base import Answer, Moment, Sent, SentName

Glob = Annotated[str, StringConstraints(min_length=1, max_length=400)]

INCLUDE = "Shell patterns such as `*.safetensors` or `onnx/`; only such files are taken."
EXCLUDE = "The same for files that are left out."
_EVERY = "Seconds after which changes are looked for again; null for once."


class ImportProgress(Answer):
    """How much of the present or last run is done; only what it had to change counts."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int


class ImportFailure(Answer):
    """Why the last try failed."""

    code: str
    message: str = Field(description="In words; of the source, where it said something.")


class Import(Answer):
    """What a repo takes over from a repo of another hub."""

    id: int
    repo: str = Field(description="`namespace/name`, or `datasets/namespace/name`.")
    endpoint: str = Field(description="The URL of the other hub.")
    kind: Literal["model", "dataset"]
    source: str = Field(description="`owner/name` there.")
    url: str = Field(description="The source's page.")
    has_token: bool
    revision: str | None = Field(description="What is followed; null for the source's default branch.")
    include: list[str] = Field(description=INCLUDE)
    exclude: list[str] = Field(description=EXCLUDE)
    every: int | None = Field(description=_EVERY)
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    wanted_commit: str | None = Field(description="The source's commit that the present run is pinned to.")
    imported_commit: str | None = Field(description="The source's commit that was imported last.")
    result_commit: str | None = Field(description="The repo's commit that has it.")
    progress: ImportProgress
    error: ImportFailure | None
    next_at: Moment | None = Field(description="When it goes on by itself.")
    created_at: Moment
    created_by: str = Field(description="It acts with this user's rights.")
    started_at: Moment | None
    finished_at: Moment | None


class NewImport(Sent):
    """The import to begin."""

    source: SentName = Field(
        description="`owner/name`, `datasets/owner/name`, with `@revision` at the end if need be."
    )
    repo: SentName | None = Field(
        None,
        description="Where to; your own namespace and the source's name if left out. Made if it is not there.",
    )
    revision: Annotated[str, StringConstraints(min_length=1, max_length=250)] | None = Field(
        None, description="A branch, a tag or a commit; the source's default branch if left out."
    )
    endpoint: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = Field(
        None, description="The URL of the other hub; the usual one if left out."
    )
    include: list[Glob] = Field([], max_length=100, description=INCLUDE)
    exclude: list[Glob] = Field([], max_length=100, description=EXCLUDE)
    token: Annotated[str, StringConstraints(min_length=1, max_length=4096)] | None = Field(
        None, description="Opens the source. Kept encrypted, sent to the endpoint alone, never shown."
    )
    every: StrictInt | None = Field(None, description=_EVERY)
    visibility: Literal["private", "shared", "public"] | None = Field(
        None, description="Of a repo that is made for it; the namespace's default if left out."
    )
