"""From the registry's events to wire shapes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from modelkeep.api.rest import render
from modelkeep.api.rest.schemas import history
from modelkeep.domain import past
from modelkeep.domain.registry import StageRow


def event(value: past.HistoryEntry) -> history.Event:
    """An event of a repo that the caller named."""
    return history.Event(**_event(value))


def registry_event(value: past.HistoryEntry) -> history.RegistryEvent:
    """An event of some repo."""
    return history.RegistryEvent(repo=value.repo, **_event(value))


def stage_left(value: past.HistoryEntry, holder: StageRow | None) -> history.StageLeft:
    """An unassignment."""
    return history.StageLeft(holder=render.stage(holder) if holder else None, **_event(value))


def period(value: past.StagePeriod) -> history.Period:
    """A period of a stage."""
    return history.Period(
        version=value.version,
        commit=value.commit,
        from_=_moment(value.start),
        until=None if value.end is None else _moment(value.end),
        assigned_by=event(value.assigned_by),
        left_by=event(value.left_by) if value.left_by else None,
    )


def change(value: past.StageChange) -> history.StageChange:
    """What changed in a stage."""
    return history.StageChange(
        repo=value.repo,
        artifact=value.artifact,
        stage=value.stage,
        before=value.before,
        after=value.after,
        events=[registry_event(entry) for entry in value.entries],
    )


def _event(value: past.HistoryEntry) -> dict[str, Any]:
    found = value.event
    return {
        "tag": found.tag,
        "artifact": found.artifact,
        "event": cast(history.EventName, str(found.kind)),
        "version": value.version,
        "stage": found.stage,
        "commit": found.commit,
        "at": found.by.when,
        "author": found.by.name,
        "author_email": found.by.email,
        "message": found.message,
    }


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
