"""Artifacts, versions and stages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from modelkeep.api.rest.schemas.base import Answer, Moment, Sent, SentMessage, SentName


class Artifact(Answer):
    """An artifact of a repo at a glance."""

    artifact: str
    latest: str | None = Field(description="The greatest active version.")
    stages: dict[str, str] = Field(description="For each stage the version (or commit) that holds it.")
    versions: int = Field(description="How many active ones there are.")
    type: str | None = Field(description="What the default branch says of it, as are the next three.")
    path: str | None
    description: str
    labels: list[str]
    is_registered: bool = Field(description="False where only a file speaks of it, no registry tag.")
    is_deprecated: bool
    updated_at: Moment | None = Field(description="The time of its last registry tag.")
    latest_at: Moment | None = Field(description="When the latest version was registered.")


class RegistryArtifact(Artifact):
    """An artifact of some repo at a glance."""

    repo: str


class Version(Answer):
    """A version."""

    artifact: str
    version: str
    commit: str
    tag: str
    is_latest: bool
    is_active: bool = Field(description="False once it was deregistered.")
    stages: list[str]
    registered_at: Moment
    author: str
    author_email: str
    message: str


class RegisteredVersion(Version):
    """A version that was just registered."""

    warnings: list[str] = Field(description="What was allowed, and may be a mistake.")


class NewVersion(Sent):
    """What to register."""

    version: SentName | None = Field(None, description="The next one after the latest if left out.")
    bump: Literal["major", "minor", "patch", "release"] | None = Field(
        None, description="What to raise; `release` ends a series of pre-releases."
    )
    prerelease: SentName | None = Field(
        None, description="The label of a series of pre-releases, such as `rc`: v1.3.0-rc.1, then -rc.2, …"
    )
    revision: SentName | None = Field(None, description="The default branch if left out.")
    message: SentMessage | None = None
    code_commit: SentMessage | None = Field(
        None, description="The commit of the code that made it: one line, kept in the tag."
    )
    run: SentMessage | None = Field(
        None, description="The run that made it, or its address: one line, kept in the tag."
    )


class Stage(Answer):
    """Who holds a stage."""

    artifact: str
    stage: str
    version: str | None = Field(description="Null for a commit that is no version.")
    commit: str
    tag: str
    assigned_at: Moment
    author: str
    author_email: str


class RegistryStage(Stage):
    """Who holds a stage in some repo."""

    repo: str


class Promotion(Sent):
    """What to promote: a version, or a revision (which is registered first if it has no version)."""

    version: SentName | None = None
    revision: SentName | None = None
    message: SentMessage | None = None
    dry_run: bool = Field(False, description="Only say what would happen, and what blocks it.")


class Rollback(Sent):
    """Why a stage goes back."""

    message: SentMessage | None = None


class Unassignment(Sent):
    """Which version leaves the stage; its present holder if left out."""

    version: SentName | None = Field(None, description="Or the whole id of a commit that is no version.")
    message: SentMessage | None = None


class TagProblem(Answer):
    """A tag that looks like the registry's and cannot be read."""

    tag: str
    code: str
    reason: str
    remedy: str
