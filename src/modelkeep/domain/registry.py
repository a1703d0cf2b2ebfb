"""Rows of the registry index: versions and stage holders across repos, derived from tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

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


class ArtifactSummary(NamedTuple):
    """An artifact at a glance.

    ``repo`` is ``namespace/name`` as written, ``latest`` the latest version (None without an active one), ``stages``
    what holds each stage: a version, or a commit where none is registered there; ``versions`` counts the active ones.
    """

    repo: str
    artifact: str
    latest: str | None
    stages: Mapping[str, str]
    versions: int


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
