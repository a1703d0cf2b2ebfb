"""Artifacts that had events by some moment, or between two: what the registry of the past is folded from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import ColumnElement, Table, and_, exists, func, or_, select, tuple_

from modelkeep.db.batches import batches
from modelkeep.db.keyset import one_page
from modelkeep.db.registry_overview import few_repos, opaque, repo_scope
from modelkeep.db.registry_rows import EVENT_COLUMNS, event_of_row
from modelkeep.db.storable import storable
from modelkeep.db.tables import ArtifactLabels, Artifacts, Namespaces, RegistryEvents, Repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.events import Event
from modelkeep.domain.names import fold
from modelkeep.domain.paging import CursorKey, PageRequest
from modelkeep.domain.registry import ArtifactFilter
from modelkeep.domain.tag_grammar import EventKind

_FEW_EVENTS = 20_000
"""So many events of a span of time are looked through for their artifacts; with more, artifacts for their events."""

_COLUMNS = [cast("Table", RegistryEvents.__table__).c[name] for name in EVENT_COLUMNS]


@dataclass(frozen=True, slots=True)
class PastArtifact:
    """An artifact that had events by some moment, with what the default branch says of it now."""

    key: CursorKey
    repo_id: str
    repo: str
    artifact: str
    type: str | None
    path: str | None
    description: str
    labels: tuple[str, ...]


def artifacts_until(
    tx: Transaction,
    actor: Actor,
    page: PageRequest,
    wanted: ArtifactFilter,
    until: int,
    *,
    repo_id: str | None = None,
    is_inclusive: bool = False,
) -> list[PastArtifact]:
    """Artifacts that had events by ``until`` (in seconds since 1970), by repo and name; at most ``page.limit``.

    Namespace, repo, free text, labels and type are those of now. Whoever asks folds the events to see about the rest;
    with a stage, only artifacts are given that had ever been assigned to it.
    """
    conditions = [_happened(RegistryEvents.at <= until)]
    if wanted.stage is not None:
        is_assigned = (
            RegistryEvents.stage == storable(wanted.stage),
            RegistryEvents.kind == str(EventKind.ASSIGNMENT),
        )
        conditions = [_happened(*is_assigned, RegistryEvents.at <= until)]
    if wanted.type is not None:
        conditions.append(Artifacts.type == storable(wanted.type))
    for label in wanted.labels:
        labelled = (
            ArtifactLabels.repo_id == Artifacts.repo_id,
            ArtifactLabels.artifact == Artifacts.artifact,
        )
        conditions.append(exists().where(*labelled, ArtifactLabels.label == storable(label)))
    if wanted.query:
        sought = storable(fold(wanted.query))
        conditions.append(
            or_(
                Artifacts.search.contains(sought, autoescape=True),
                Repos.sort_name.contains(sought.replace("/", " "), autoescape=True),
            )
        )
    return _artifacts(
        tx, page, repo_scope(actor, repo_id, wanted.namespace, wanted.repo), conditions, is_inclusive
    )


def artifacts_between(
    tx: Transaction,
    actor: Actor,
    page: PageRequest,
    since: int,
    until: int | None,
    *,
    namespace: str | None = None,
    repo: str | None = None,
    is_inclusive: bool = False,
) -> list[PastArtifact]:
    """Artifacts with events after ``since`` and up to ``until`` (None: all that follow), by repo and name."""
    span = [RegistryEvents.at > since]
    if until is not None:
        span.append(RegistryEvents.at <= until)
    counted = select(RegistryEvents.at).where(*span).limit(_FEW_EVENTS + 1).subquery()
    is_short = tx.scalar(select(func.count()).select_from(counted)) <= _FEW_EVENTS
    happened = _happened(*span)
    if is_short:
        happened = tuple_(Artifacts.repo_id, Artifacts.artifact).in_(
            select(RegistryEvents.repo_id, RegistryEvents.artifact).where(*span)
        )
    return _artifacts(tx, page, repo_scope(actor, None, namespace, repo), [happened], is_inclusive)


def events_of_artifacts(
    tx: Transaction, artifacts: Sequence[PastArtifact], until: int | None
) -> dict[tuple[str, str], list[Event]]:
    """All events up to ``until`` of these artifacts, by repo id and artifact."""
    found: dict[tuple[str, str], list[Event]] = {(one.repo_id, one.artifact): [] for one in artifacts}
    for repo_id in {one.repo_id for one in artifacts}:
        names = sorted(one.artifact for one in artifacts if one.repo_id == repo_id)
        for some in batches(names):
            statement = select(*_COLUMNS).where(
                RegistryEvents.repo_id == repo_id, RegistryEvents.artifact.in_(some)
            )
            if until is not None:
                statement = statement.where(RegistryEvents.at <= until)
            for row in tx.execute(statement):
                event = event_of_row(row)
                found[repo_id, event.artifact].append(event)
    return found


def _artifacts(
    tx: Transaction,
    page: PageRequest,
    scope: Sequence[ColumnElement[bool]],
    conditions: Sequence[ColumnElement[bool]],
    is_inclusive: bool,
) -> list[PastArtifact]:
    columns = [Repos.sort_name, Repos.id, Artifacts.artifact]
    statement = (
        select(
            Repos.sort_name,
            Repos.id,
            Namespaces.name.label("namespace"),
            Repos.name,
            Artifacts.artifact,
            Artifacts.type,
            Artifacts.path,
            Artifacts.description,
            Artifacts.labels,
        )
        .select_from(Repos)
        .join(Artifacts, Artifacts.repo_id == Repos.id)
        .join(Namespaces, Namespaces.id == Repos.namespace_id)
    )
    ids = few_repos(tx, scope)
    if ids is not None:
        statement = statement.where(Repos.id.in_(ids), *conditions)
    else:
        statement = statement.where(opaque(and_(*scope)), *map(opaque, conditions))
        if page.after is not None:
            # What lets the walk begin at the cursor: no database sees that from a key over two tables.
            statement = statement.where(Repos.sort_name >= storable(str(page.after[0])))
    rows = tx.execute(one_page(statement, columns, page, is_inclusive=is_inclusive)).all()[: page.limit]
    return [
        PastArtifact(
            (row.sort_name, row.id, row.artifact),
            row.id,
            f"{row.namespace}/{row.name}",
            row.artifact,
            row.type,
            row.path,
            row.description,
            tuple(json.loads(row.labels)),
        )
        for row in rows
    ]


def _happened(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """That an artifact has an event such as this."""
    return exists().where(
        RegistryEvents.repo_id == Artifacts.repo_id,
        RegistryEvents.artifact == Artifacts.artifact,
        *conditions,
    )
