"""What the registry remembers: its events with what they were about, and what changed between two moments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from modelkeep.domain.events import Event
from modelkeep.domain.history import ArtifactState, VersionState, fold_artifact
from modelkeep.domain.tag_grammar import EventKind
from modelkeep.domain.timeline import timeline


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An event of some repo; ``version`` is also that of an assignment: the one that its commit is, if it is one."""

    repo: str
    event: Event
    version: str | None


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which events a list shows; what is None does not matter.

    Attributes:
        namespace: Of this user's or organisation's repos.
        repo: Of repos of this name (``name``, or ``namespace/name``).
        artifact: Of this artifact.
        stage: About this stage.
        version: About this version, also through its commit.
        kind: Of this kind.
        author: By somebody of this name or e-mail address, without case.
        since: Not before this moment.
        until: Not after it.
    """

    namespace: str | None = None
    repo: str | None = None
    artifact: str | None = None
    stage: str | None = None
    version: str | None = None
    kind: EventKind | None = None
    author: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class StagePeriod:
    """A time in which a version (None: a commit without one) held a stage; times are in seconds since 1970.

    ``assigned_by`` and ``left_by`` are as in :class:`modelkeep.domain.timeline.Period`.
    """

    version: str | None
    commit: str
    start: float
    end: float | None
    assigned_by: HistoryEntry
    left_by: HistoryEntry | None


@dataclass(frozen=True, slots=True)
class StageChange:
    """That another version (or commit without one) holds a stage than before; None is nobody.

    ``entries`` are the events in between that can have had to do with it, oldest first.
    """

    repo: str
    artifact: str
    stage: str
    before: str | None
    after: str | None
    entries: tuple[HistoryEntry, ...]


def events_until(events: Iterable[Event], moment: float) -> list[Event]:
    """Those that had happened at a moment, given in seconds since 1970. A tag that was deleted is not among any."""
    return [event for event in events if event.at <= moment]


def stage_periods(repo: str, artifact: str, events: Iterable[Event], stage: str) -> list[StagePeriod]:
    """The periods of a stage of an artifact of a repo, oldest first."""
    state = fold_artifact(artifact, events)
    return [
        StagePeriod(
            found.version,
            found.commit,
            found.start,
            found.end,
            _entry(repo, state, found.assigned_by),
            _entry(repo, state, found.ended_by) if found.ended_by else None,
        )
        for found in timeline(state.events, stage)
    ]


def stage_changes(
    repo: str, artifact: str, events: Iterable[Event], since: float, until: float, stage: str | None = None
) -> list[StageChange]:
    """What changed in the stages of an artifact between two moments, by stage.

    Args:
        repo: Its full name.
        artifact: Its name.
        events: All of its events.
        since: The first moment, in seconds since 1970.
        until: The last one; what happened then is part of it.
        stage: Only this one.
    """
    late = events_until(events, until)
    before, after = fold_artifact(artifact, events_until(late, since)), fold_artifact(artifact, late)
    between = [event for event in after.events if event.at > since]
    stages = {*before.stage_names(), *after.stage_names()}
    changes = []
    for name in sorted(stages if stage is None else stages & {stage}):
        old, new = _holder(before, name), _holder(after, name)
        if _identity(old) == _identity(new):
            continue
        commits = {event.commit for event in after.events if event.stage == name}
        concerned = [e for e in between if e.stage == name or (e.version is not None and e.commit in commits)]
        entries = tuple(_entry(repo, after, event) for event in concerned)
        changes.append(StageChange(repo, artifact, name, _name(old), _name(new), entries))
    return changes


def _entry(repo: str, state: ArtifactState, event: Event) -> HistoryEntry:
    if event.stage is None:
        return HistoryEntry(repo, event, event.version)
    found = state.version_at(event.commit)
    return HistoryEntry(repo, event, found.name if found else None)


def _holder(state: ArtifactState, stage: str) -> VersionState | None:
    return next(iter(state.holders(stage)), None)


def _identity(holder: VersionState | None) -> tuple[str, str] | None:
    return None if holder is None else (holder.name, holder.commit)


def _name(holder: VersionState | None) -> str | None:
    return holder.name if holder else None
