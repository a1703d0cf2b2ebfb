"""The index of registry tags: events, the versions and stages they fold to, and tags that are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import BindParameter, Select, Table, bindparam, delete, func, literal, select

from modelkeep.db.artifact_rows import file_problems_of as file_problems_of
from modelkeep.db.artifact_rows import replace_artifacts
from modelkeep.db.artifact_rows import set_annotations as set_annotations
from modelkeep.db.batches import batches, load_rows
from modelkeep.db.keyset import one_page
from modelkeep.db.refolding import refold
from modelkeep.db.refolding import version_events as version_events
from modelkeep.db.registry_overview import overview as overview
from modelkeep.db.registry_rows import (
    EVENT_COLUMNS,
    PROBLEM_COLUMNS,
    STAGE_COLUMNS,
    VERSION_COLUMNS,
    event_of_row,
    event_values,
    problem_values,
    stage_of_row,
    stage_values,
    version_of_row,
    version_values,
)
from modelkeep.db.row_sets import replace_rows
from modelkeep.db.tables import (
    ArtifactLabels,
    Artifacts,
    Base,
    FileProblems,
    GitRefs,
    RegistryEvents,
    RepoCards,
    Repos,
    RepoTags,
    StageHolders,
    TagProblems,
    Versions,
)
from modelkeep.db.transaction import Transaction
from modelkeep.domain.artifacts import AnnotationSet
from modelkeep.domain.events import Event, TagProblem
from modelkeep.domain.history import fold
from modelkeep.domain.paging import Page, PageRequest, page_of
from modelkeep.domain.registry import (
    ArtifactSummary,
    StageRow,
    VersionRow,
    artifact_facts,
    stage_rows,
    version_rows,
)

OverviewRow = ArtifactSummary

Snapshot = dict[str, list[tuple[Any, ...]]]

_INDEX: tuple[type[Base], ...] = (
    Artifacts,
    RegistryEvents,
    Versions,
    StageHolders,
    TagProblems,
    ArtifactLabels,
    FileProblems,
)


def replace_events(
    tx: Transaction,
    repo_id: str,
    tags: Sequence[str],
    events: Sequence[Event],
    problems: Sequence[TagProblem],
) -> list[Event]:
    """Follows a change of registry tags, with all that they fold to.

    Args:
        tx: The transaction.
        repo_id: Which repo.
        tags: Tags that are gone, or stand for nothing any more.
        events: What new and moved tags stand for; they replace what the same tags stood for before.
        problems: The same for tags that cannot be read.

    Returns:
        What all these tags stood for before, in no order.
    """
    changed = list({*tags, *(event.tag for event in events), *(problem.tag for problem in problems)})
    before = events_of_tags(tx, repo_id, changed)
    for some in batches(changed):
        sought = {"sought_repo": repo_id, "tags": list(some)}
        tx.execute(_DELETE_EVENTS, sought)
        tx.execute(_DELETE_PROBLEMS, sought)
    load_rows(tx, RegistryEvents, EVENT_COLUMNS, [event_values(repo_id, event) for event in events])
    load_rows(tx, TagProblems, PROBLEM_COLUMNS, [problem_values(repo_id, problem) for problem in problems])
    touched: dict[str, list[Event]] = {}
    for event in (*before, *events):
        touched.setdefault(event.artifact, []).append(event)
    for artifact in sorted(touched):
        refold(tx, repo_id, artifact, touched[artifact])
    return before


def clear(tx: Transaction, repo_id: str) -> None:
    """Empties the index of a repo's registry tags; that of its refs stays."""
    for table in _INDEX:
        columns = _table_of(table).c
        tx.execute(delete(table).where(columns.repo_id == repo_id))


def replace_index(
    tx: Transaction,
    repo_id: str,
    *,
    events: Sequence[Event],
    problems: Sequence[TagProblem],
    annotations: AnnotationSet,
) -> None:
    """Makes the whole index of a repo's registry say exactly what these tags and files say."""
    states = list(fold(events).values())
    tables: tuple[tuple[type[Base], Sequence[str], Sequence[tuple[Any, ...]]], ...] = (
        (RegistryEvents, EVENT_COLUMNS, [event_values(repo_id, event) for event in events]),
        (TagProblems, PROBLEM_COLUMNS, [problem_values(repo_id, problem) for problem in problems]),
        (
            Versions,
            VERSION_COLUMNS,
            [version_values(repo_id, row) for state in states for row in version_rows(state)],
        ),
        (
            StageHolders,
            STAGE_COLUMNS,
            [stage_values(repo_id, row) for state in states for row in stage_rows(state)],
        ),
    )
    for table, columns, rows in tables:
        replace_rows(tx, table, columns, repo_id, rows)
    facts = [known for known in map(artifact_facts, states) if known is not None]
    replace_artifacts(tx, repo_id, facts, annotations)


def events_of(tx: Transaction, repo_id: str, artifact: str | None = None) -> list[Event]:
    """The events of a repo, or of one of its artifacts, oldest first."""
    statement = select(*(_table_of(RegistryEvents).c[name] for name in EVENT_COLUMNS)).where(
        RegistryEvents.repo_id == repo_id
    )
    if artifact is not None:
        statement = statement.where(RegistryEvents.artifact == artifact)
    rows = tx.execute(statement.order_by(RegistryEvents.at, RegistryEvents.tag))
    return [event_of_row(row) for row in rows]


def events_of_tags(tx: Transaction, repo_id: str, tags: Sequence[str]) -> list[Event]:
    """What these tags stand for, in no order; those that stand for nothing are left out."""
    found: list[Event] = []
    for some in batches(list(tags)):
        rows = tx.execute(_EVENTS_OF_TAGS, {"sought_repo": repo_id, "tags": list(some)})
        found += [event_of_row(row) for row in rows]
    return found


def artifacts_of(tx: Transaction, repo_id: str) -> list[str]:
    """The artifacts that the tags of a repo, or files of its default branch, speak about, by name."""
    rows = tx.execute(
        select(Artifacts.artifact).where(Artifacts.repo_id == repo_id).order_by(Artifacts.artifact)
    )
    return [row.artifact for row in rows]


def has_artifact(tx: Transaction, repo_id: str, artifact: str) -> bool:
    """Whether a tag of the repo, or a file of its default branch, speaks about the artifact."""
    sought = select(Artifacts.artifact).where(Artifacts.repo_id == repo_id, Artifacts.artifact == artifact)
    return tx.first(sought) is not None


def versions_of(
    tx: Transaction, repo_id: str, artifact: str, page: PageRequest, active_only: bool = False
) -> Page[VersionRow]:
    """The versions of an artifact, the greatest first."""
    statement = _versions(repo_id, artifact)
    if active_only:
        statement = statement.where(Versions.is_active.is_(True))
    limited = one_page(statement, [Versions.sort_key, Versions.version], page, is_descending=True)
    rows = tx.execute(limited)
    return page_of([((row.sort_key, row.version), version_of_row(row)) for row in rows], page.limit)


def versions_by_time(tx: Transaction, repo_id: str) -> list[VersionRow]:
    """All versions of a repo, those that were withdrawn too, the earliest first; without their stages."""
    columns = [_table_of(Versions).c[name] for name in VERSION_COLUMNS]
    order = (Versions.registered_at, Versions.artifact, Versions.sort_key)
    rows = tx.execute(
        select(*columns, literal("").label("stages")).where(Versions.repo_id == repo_id).order_by(*order)
    )
    return [version_of_row(row) for row in rows]


def version_row(tx: Transaction, repo_id: str, artifact: str, version: str) -> VersionRow | None:
    """One version, active or not."""
    row = tx.first(_versions(repo_id, artifact).where(Versions.version == version))
    return version_of_row(row) if row is not None else None


def latest_row(tx: Transaction, repo_id: str, artifact: str) -> VersionRow | None:
    """The latest version of an artifact, None without an active one."""
    row = tx.first(_versions(repo_id, artifact).where(Versions.is_latest))
    return version_of_row(row) if row is not None else None


def stage_row(tx: Transaction, repo_id: str, artifact: str, stage: str) -> StageRow | None:
    """Who holds a stage of an artifact."""
    row = tx.first(_stages(repo_id).where(StageHolders.artifact == artifact, StageHolders.stage == stage))
    return stage_of_row(row) if row is not None else None


def stages_of(tx: Transaction, repo_id: str, artifact: str | None = None) -> list[StageRow]:
    """Who holds the stages of a repo, or of one of its artifacts, by artifact and stage."""
    statement = _stages(repo_id)
    if artifact is not None:
        statement = statement.where(StageHolders.artifact == artifact)
    rows = tx.execute(statement.order_by(StageHolders.artifact, StageHolders.stage))
    return [stage_of_row(row) for row in rows]


def problems_of(tx: Transaction, repo_id: str) -> list[TagProblem]:
    """The tags of a repo that look like registry tags and are none, by name."""
    rows = tx.execute(
        select(TagProblems.tag, TagProblems.code, TagProblems.reason, TagProblems.remedy)
        .where(TagProblems.repo_id == repo_id)
        .order_by(TagProblems.tag)
    )
    return [TagProblem(*row) for row in rows]


def snapshot(tx: Transaction, repo_id: str) -> Snapshot:
    """Everything that the index says about a repo, in a form to compare: rows by table, in order of keys."""
    found: Snapshot = {
        "repos": [tuple(row) for row in tx.execute(select(Repos.refs_digest).where(Repos.id == repo_id))]
    }
    indexes: tuple[type[Base], ...] = (GitRefs, *_INDEX, RepoCards, RepoTags)
    for mapped in indexes:
        table = _table_of(mapped)
        columns = [column for column in table.c if column.name != "repo_id"]
        rows = tx.execute(select(*columns).where(table.c.repo_id == repo_id).order_by(*table.primary_key))
        found[table.name] = [tuple(row) for row in rows]
    return found


def _versions(repo_id: str, artifact: str) -> Select[*tuple[Any, ...]]:
    stages = (
        select(func.aggregate_strings(StageHolders.stage, " "))
        .where(
            StageHolders.repo_id == Versions.repo_id,
            StageHolders.artifact == Versions.artifact,
            StageHolders.version == Versions.version,
        )
        .correlate(Versions)
        .scalar_subquery()
    )
    columns = [_table_of(Versions).c[name] for name in VERSION_COLUMNS]
    return select(*columns, stages.label("stages")).where(
        Versions.repo_id == repo_id, Versions.artifact == artifact
    )


def _stages(repo_id: str) -> Select[*tuple[Any, ...]]:
    columns = [_table_of(StageHolders).c[name] for name in STAGE_COLUMNS]
    return select(*columns).where(StageHolders.repo_id == repo_id)


def _table_of(mapped: type[Base]) -> Table:
    return cast("Table", mapped.__table__)


# Made once: every push of a tag runs these, and making a statement takes longer than running it.
_AMONG: BindParameter[Any] = bindparam("tags", expanding=True)
_EVENTS_OF_TAGS = select(*(_table_of(RegistryEvents).c[name] for name in EVENT_COLUMNS)).where(
    RegistryEvents.repo_id == bindparam("sought_repo"), RegistryEvents.tag.in_(_AMONG)
)
_DELETE_EVENTS = delete(RegistryEvents).where(
    RegistryEvents.repo_id == bindparam("sought_repo"), RegistryEvents.tag.in_(_AMONG)
)
_DELETE_PROBLEMS = delete(TagProblems).where(
    TagProblems.repo_id == bindparam("sought_repo"), TagProblems.tag.in_(_AMONG)
)
