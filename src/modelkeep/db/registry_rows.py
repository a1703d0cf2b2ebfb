"""Events, versions and stages as rows of the registry index, and back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from modelkeep.db.storable import storable
from modelkeep.domain.events import Event, TagProblem
from modelkeep.domain.objects import Signature
from modelkeep.domain.registry import StageRow, VersionRow
from modelkeep.domain.tag_grammar import EventKind

EVENT_COLUMNS = (
    "repo_id",
    "tag",
    "artifact",
    "kind",
    "version",
    "stage",
    "counter",
    "commit_id",
    "target",
    "at",
    "offset_minutes",
    "author",
    "author_email",
    "message",
)
VERSION_COLUMNS = (
    "repo_id",
    "artifact",
    "version",
    "commit_id",
    "tag",
    "sort_key",
    "is_active",
    "is_latest",
    "registered_at",
    "author",
    "author_email",
    "message",
)
STAGE_COLUMNS = (
    "repo_id",
    "artifact",
    "stage",
    "version",
    "commit_id",
    "tag",
    "assigned_at",
    "author",
    "author_email",
)
PROBLEM_COLUMNS = ("repo_id", "tag", "code", "reason", "remedy")


def event_values(repo_id: str, event: Event) -> tuple[Any, ...]:
    """The row of an event, in the order of :data:`EVENT_COLUMNS`."""
    offset = event.by.when.utcoffset() or timedelta()
    return (
        repo_id,
        event.tag,
        event.artifact,
        str(event.kind),
        event.version,
        event.stage,
        event.counter,
        event.commit,
        event.target,
        int(event.at),
        int(offset.total_seconds()) // 60,
        storable(event.by.name),
        storable(event.by.email),
        storable(event.message),
    )


def event_of_row(row: Row[*tuple[Any, ...]]) -> Event:
    """An event from its row, in the order of :data:`EVENT_COLUMNS`; the time is in the tagger's zone again."""
    _, tag, artifact, kind, version, stage, counter, commit, target, at, offset, name, email, message = row
    by = Signature(name, email, datetime.fromtimestamp(at, _zone(offset)))
    return Event(tag, EventKind(kind), artifact, version, stage, counter, commit, by, message, target)


@lru_cache(maxsize=256)
def _zone(offset_minutes: int) -> timezone:
    return timezone(timedelta(minutes=offset_minutes))


def problem_values(repo_id: str, problem: TagProblem) -> tuple[Any, ...]:
    """The row of a problem, in the order of :data:`PROBLEM_COLUMNS`."""
    return (repo_id, problem.tag, problem.code, storable(problem.reason), storable(problem.remedy))


def version_values(repo_id: str, version: VersionRow) -> tuple[Any, ...]:
    """The row of a version, in the order of :data:`VERSION_COLUMNS`; its stages are in rows of their own."""
    return (
        repo_id,
        version.artifact,
        version.version,
        version.commit,
        version.tag,
        version.sort_key,
        version.is_active,
        version.is_latest,
        version.registered_at,
        storable(version.author),
        storable(version.author_email),
        storable(version.message),
    )


def version_of_row(row: Row[*tuple[Any, ...]]) -> VersionRow:
    """A version from its row, with ``stages`` as text with spaces between."""
    return VersionRow(
        artifact=row.artifact,
        version=row.version,
        commit=row.commit_id,
        tag=row.tag,
        sort_key=row.sort_key,
        is_active=row.is_active,
        is_latest=row.is_latest,
        registered_at=row.registered_at,
        author=row.author,
        author_email=row.author_email,
        message=row.message,
        stages=tuple(sorted((row.stages or "").split())),
    )


def stage_values(repo_id: str, stage: StageRow) -> tuple[Any, ...]:
    """The row of a stage, in the order of :data:`STAGE_COLUMNS`."""
    return (
        repo_id,
        stage.artifact,
        stage.stage,
        stage.version,
        stage.commit,
        stage.tag,
        stage.assigned_at,
        storable(stage.author),
        storable(stage.author_email),
    )


def stage_of_row(row: Row[*tuple[Any, ...]]) -> StageRow:
    """A stage from its row."""
    return StageRow(
        artifact=row.artifact,
        stage=row.stage,
        version=row.version,
        commit=row.commit_id,
        tag=row.tag,
        assigned_at=row.assigned_at,
        author=row.author,
        author_email=row.author_email,
    )
