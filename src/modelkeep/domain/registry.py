"""Rows of the registry index: versions and stage holders across repos, derived from tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple

from modelkeep.domain.history import ArtifactState


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version as the index keeps it; times are in UTC."""

    artifact: str
    version: str
    commit: str
    tag: str
    sort_key: str
    is_active: bool
    is_latest: bool
    registered_at: datetime
    author: str
    author_email: str
    message: str
    stages: tuple[str, ...] = ()

    def as_latest(self, *, is_latest: bool) -> VersionRow:
        """The same version, being the latest or not."""
        return self if self.is_latest is is_latest else replace(self, is_latest=is_latest)


@dataclass(frozen=True, slots=True)
class StageRow:
    """Who holds a stage: the version (None for a bare commit), since when and by whom."""

    artifact: str
    stage: str
    version: str | None
    commit: str
    tag: str
    assigned_at: datetime
    author: str
    author_email: str


@dataclass(frozen=True, slots=True)
class ArtifactFacts:
    """What the registry tags of an artifact come to; times are in seconds since 1970, None where there is none.

    ``versions`` counts the active ones, ``updated_at`` is that of the last event.
    """

    artifact: str
    is_active: bool
    latest: str | None
    latest_at: int | None
    updated_at: int
    versions: int


class ArtifactSummary(NamedTuple):
    """An artifact at a glance.

    ``repo`` is ``namespace/name`` as written, ``latest`` the latest version (None without an active one), ``stages``
    what holds each stage: a version, or a commit where none is registered there; ``versions`` counts the active ones.
    ``type`` to ``labels`` are what the default branch says. ``is_registered`` is false where only a file speaks of it;
    ``updated_at`` is the time of its last registry tag, ``latest_at`` that of the latest version.
    """

    repo: str
    artifact: str
    latest: str | None
    stages: Mapping[str, str]
    versions: int
    type: str | None = None
    path: str | None = None
    description: str = ""
    labels: tuple[str, ...] = ()
    is_registered: bool = True
    is_deprecated: bool = False
    updated_at: datetime | None = None
    latest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HeldStage:
    """Who holds a stage of some repo's artifact; ``repo`` is ``namespace/name`` as written."""

    repo: str
    stage: StageRow


ArtifactSort = Literal["name", "-name", "updated", "-updated", "latest", "-latest", "versions", "-versions"]
"""What a list of artifacts goes by; with a minus the greatest, or the newest, first."""


@dataclass(frozen=True, slots=True)
class ArtifactFilter:
    """Which artifacts a list shows; what is None or empty does not matter.

    Attributes:
        namespace: Of this user's or organisation's repos.
        repo: Of repos of this name (``name``, or ``namespace/name``).
        query: With this in the repo's full name, their own, their description or a label, without case.
        labels: With all of these.
        stage: With a version, or a commit, in it.
        type: Of this type.
        is_registered: Whether a registry tag speaks of them.
        is_deprecated: Whether they are deprecated.
    """

    namespace: str | None = None
    repo: str | None = None
    query: str | None = None
    labels: tuple[str, ...] = ()
    stage: str | None = None
    type: str | None = None
    is_registered: bool | None = None
    is_deprecated: bool | None = None

    def within(self, namespace: str | None, repo: str | None) -> ArtifactFilter:
        """The same in these repos only."""
        return replace(self, namespace=namespace, repo=repo)


def artifact_facts(state: ArtifactState) -> ArtifactFacts | None:
    """What the events of an artifact come to, None without any."""
    if not state.events:
        return None
    latest = state.latest
    return ArtifactFacts(
        artifact=state.name,
        is_active=state.is_active,
        latest=latest.name if latest else None,
        latest_at=int(latest.created_at) if latest else None,
        updated_at=int(state.events[-1].at),
        versions=sum(row.is_active for row in version_rows(state)),
    )


def version_rows(state: ArtifactState) -> list[VersionRow]:
    """The index rows for the registered versions of an artifact."""
    latest = state.latest
    held: dict[str, list[str]] = {}
    for stage in state.stage_names():
        held.setdefault(state.holders(stage)[0].name, []).append(stage)
    rows = []
    for version in state.named_versions.values():
        sort_key = version.sort_key
        if sort_key is None:
            continue
        registration = version.registrations[-1]
        rows.append(
            VersionRow(
                artifact=state.name,
                version=version.name,
                commit=version.commit,
                tag=registration.tag,
                sort_key=sort_key,
                is_active=version.is_active,
                is_latest=version is latest,
                registered_at=registration.by.when,
                author=registration.by.name,
                author_email=registration.by.email,
                message=registration.message,
                stages=tuple(held.get(version.name, ())),
            )
        )
    return rows


def stage_rows(state: ArtifactState) -> list[StageRow]:
    """The index rows for the stages of an artifact: one for each, its present holder."""
    rows = []
    for stage in state.stage_names():
        holder = state.holders(stage)[0]
        assignment = next(s for s in holder.stages if s.stage == stage).assignments[-1]
        rows.append(
            StageRow(
                artifact=state.name,
                stage=stage,
                version=holder.name if holder.is_registered else None,
                commit=holder.commit,
                tag=assignment.tag,
                assigned_at=assignment.by.when,
                author=assignment.by.name,
                author_email=assignment.by.email,
            )
        )
    return rows
