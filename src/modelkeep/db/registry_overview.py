"""All artifacts that an actor may see, across repos, each with its latest version and its stages.

There are two ways to a page, and the question decides which is taken. Where much fits, the page is found by walking
down an index in the order of the list, past what does not fit. Where little fits (few repos, a rare stage, label or
type), all of that is gathered first and then sorted. So a page costs about the same in a large hub as in a small one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Row, Select, and_, case, false, literal, or_, select, true

from modelkeep.db.keyset import SortColumn, one_page
from modelkeep.db.reading import readable_condition
from modelkeep.db.storable import storable
from modelkeep.db.tables import NEVER, ArtifactLabels, Artifacts, Namespaces, Repos, StageHolders
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.names import fold
from modelkeep.domain.paging import CursorKey, Page, PageRequest, page_of
from modelkeep.domain.registry import ArtifactFilter, ArtifactSort, ArtifactSummary

FEW_REPOS = 100
"""Up to so many repos in question, all their artifacts are gathered."""

FEW_ARTIFACTS = 1000
"""Up to so many artifacts with a stage, label or type, all of them are gathered."""

BY_NAME_HINT = "INDEXED BY uq_repos_sort_name_id"
"""For a walk by name: SQLite would rather sort everything than follow this index through a join."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Rare: TypeAlias = "Select[*tuple[Any, ...]] | list[str]"
"""Few artifacts among which all that fit are: a query for their keys, or the ids of their repos."""

_BY_NAME: tuple[SortColumn, ...] = (Repos.sort_name, Repos.id, Artifacts.artifact)
_SORTS: dict[str, tuple[SortColumn, ...]] = {
    "name": _BY_NAME,
    "updated": (Artifacts.updated_at, Artifacts.repo_id, Artifacts.artifact),
    "latest": (Artifacts.latest_at, Artifacts.repo_id, Artifacts.artifact),
    "versions": (Artifacts.versions, Artifacts.repo_id, Artifacts.artifact),
}
_SHOWN = (
    Artifacts.is_registered,
    Artifacts.is_active,
    Artifacts.latest,
    Artifacts.latest_at,
    Artifacts.updated_at,
    Artifacts.versions,
    Artifacts.type,
    Artifacts.path,
    Artifacts.description,
    Artifacts.labels,
    Repos.name,
    Namespaces.name.label("namespace"),
    StageHolders.stage,
    StageHolders.version,
    StageHolders.commit_id,
)


def overview(
    tx: Transaction,
    actor: Actor,
    page: PageRequest,
    *,
    repo_id: str | None = None,
    wanted: ArtifactFilter | None = None,
    sort: ArtifactSort = "name",
) -> Page[ArtifactSummary]:
    """Artifacts of the repos that ``actor`` may read.

    Args:
        tx: The transaction.
        actor: Who asks.
        page: Which page.
        repo_id: Only those of this repo.
        wanted: Which of them.
        sort: In which order.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    wanted = wanted or ArtifactFilter()
    is_descending, order = sort.startswith("-"), _SORTS[sort.removeprefix("-")]
    scope = repo_scope(actor, repo_id, wanted.namespace, wanted.repo)
    repo_ids = few_repos(tx, scope)
    conditions = _conditions(wanted)
    rare = _rare(tx, wanted) if repo_ids is None else None
    columns: Sequence[Any] = order
    if repo_ids is not None or rare is not None:
        statement = _gathered(order, scope, repo_ids, rare, conditions)
        columns = list(statement.selected_columns)
    else:
        statement = _walk(order, scope, conditions)
        if page.after is not None and order is _BY_NAME:
            statement = statement.where(start_of_walk(page, is_descending=is_descending))
    limited = one_page(statement, columns, page, is_descending=is_descending)
    if repo_ids == [] or rare == []:
        return Page(())
    return page_of(_read(tx, limited, is_descending=is_descending), page.limit)


def repo_scope(
    actor: Actor, repo_id: str | None, namespace: str | None, repo: str | None
) -> list[ColumnElement[bool]]:
    """Conditions on ``repos`` alone: what the actor may read, and of that what was asked for."""
    conditions = [readable_condition(actor)]
    if repo_id is not None:
        conditions.append(Repos.id == repo_id)
    if namespace is not None:
        named = select(Namespaces.id).where(Namespaces.name_folded == storable(fold(namespace)))
        conditions.append(Repos.namespace_id == named.scalar_subquery())
    if repo is not None:
        folded = storable(fold(repo))
        named_by = Repos.sort_name if "/" in folded else Repos.name_folded
        conditions.append(named_by == folded.replace("/", " ", 1))
    return conditions


def few_repos(tx: Transaction, scope: Sequence[ColumnElement[bool]]) -> list[str] | None:
    """The ids of the repos in question, None where they are many."""
    found = [row.id for row in tx.execute(select(Repos.id).where(*scope).limit(FEW_REPOS + 1))]
    return found if len(found) <= FEW_REPOS else None


def opaque(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """All of the conditions, in a form for which no planner leaves the index that the list's order goes by.

    PostgreSQL takes the whole of it to hold for every other row; one by one they would seem too rare for a walk.
    """
    return case((and_(*conditions), true()), else_=false())


def start_of_walk(page: PageRequest, *, is_descending: bool = False) -> ColumnElement[bool]:
    """What lets a walk by name begin at the cursor: no database sees that from a key over two tables."""
    start = storable(str(page.after[0])) if page.after else ""
    return Repos.sort_name <= start if is_descending else Repos.sort_name >= start


def _gathered(
    order: Sequence[SortColumn],
    scope: Sequence[ColumnElement[bool]],
    repo_ids: Sequence[str] | None,
    rare: _Rare | None,
    conditions: Sequence[ColumnElement[bool]],
) -> Select[*tuple[Any, ...]]:
    """Everything that fits, as a table of sort keys to sort."""
    keys = select(*(part.label(f"key{place}") for place, part in enumerate(order)))
    if repo_ids is not None:
        keys = keys.join_from(Artifacts, Repos, Repos.id == Artifacts.repo_id)
        keys = keys.where(Repos.id.in_(repo_ids))
    elif isinstance(rare, list):
        keys = keys.join_from(Artifacts, Repos, Repos.id == Artifacts.repo_id)
        keys = keys.where(Repos.id.in_(rare), opaque(*scope))
    elif rare is not None:
        few = rare.cte("few").prefix_with("MATERIALIZED")
        is_one = and_(Artifacts.repo_id == few.c.repo_id, Artifacts.artifact == few.c.artifact)
        keys = keys.join_from(few, Artifacts, is_one).join(Repos, Repos.id == Artifacts.repo_id)
        keys = keys.where(opaque(*scope))
    found = keys.where(opaque(true(), *conditions)).cte("found").prefix_with("MATERIALIZED")
    return select(*found.c)


def _walk(
    order: Sequence[SortColumn],
    scope: Sequence[ColumnElement[bool]],
    conditions: Sequence[ColumnElement[bool]],
) -> Select[*tuple[Any, ...]]:
    """Sort keys in the order of an index, each looked at."""
    keys = select(*(part.label(f"key{place}") for place, part in enumerate(order)))
    if order is _BY_NAME:
        keys = keys.join_from(Repos, Artifacts, Artifacts.repo_id == Repos.id)
        return keys.with_hint(Repos, BY_NAME_HINT, "sqlite").where(opaque(*scope, *conditions))
    return keys.where(opaque(_is_there(Repos.id == Artifacts.repo_id, opaque(*scope)), *conditions))


def _is_there(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """EXISTS, looked up for each artifact: of the word itself PostgreSQL makes a list of all that there are."""
    return select(literal(1)).where(*conditions).correlate(Artifacts).limit(1).scalar_subquery().is_not(None)


def _read(
    tx: Transaction, limited: Select[*tuple[Any, ...]], *, is_descending: bool
) -> list[tuple[CursorKey, ArtifactSummary]]:
    """The artifacts of a page of sort keys, each with its key."""
    page = limited.cte("page").prefix_with("MATERIALIZED")
    _, repo_id, artifact = page.c
    order = [part.desc() if is_descending else part.asc() for part in page.c]
    rows = tx.execute(
        select(*page.c, *_SHOWN)
        .select_from(page)
        .join(Artifacts, and_(Artifacts.repo_id == repo_id, Artifacts.artifact == artifact))
        .join(Repos, Repos.id == repo_id)
        .join(Namespaces, Namespaces.id == Repos.namespace_id)
        .outerjoin(StageHolders, and_(StageHolders.repo_id == repo_id, StageHolders.artifact == artifact))
        .order_by(*order, StageHolders.stage)
    )
    by_key: dict[CursorKey, list[Row[*tuple[Any, ...]]]] = {}
    for row in rows:
        by_key.setdefault(tuple(row)[:3], []).append(row)
    return [(key, _summary(of_one)) for key, of_one in by_key.items()]


def _conditions(wanted: ArtifactFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.type is not None:
        conditions.append(Artifacts.type == storable(wanted.type))
    if wanted.is_registered is not None:
        conditions.append(Artifacts.is_registered.is_(wanted.is_registered))
    if wanted.is_deprecated is not None:
        conditions.append(Artifacts.is_active.is_(not wanted.is_deprecated))
    if wanted.stage is not None:
        conditions.append(_has(StageHolders, StageHolders.stage == storable(wanted.stage)))
    for label in wanted.labels:
        conditions.append(_has(ArtifactLabels, ArtifactLabels.label == storable(label)))
    if wanted.query:
        conditions.append(_mentions(wanted.query))
    return conditions


def _has(
    table: type[StageHolders] | type[ArtifactLabels], condition: ColumnElement[bool]
) -> ColumnElement[bool]:
    return _is_there(table.repo_id == Artifacts.repo_id, table.artifact == Artifacts.artifact, condition)


def _rare(tx: Transaction, wanted: ArtifactFilter) -> _Rare | None:
    """The rarest part of the filter, None where no part is rare."""
    for candidate in _candidates(wanted):
        if len(_beginning(tx, candidate)) <= FEW_ARTIFACTS:
            return candidate
    if wanted.query:
        # Free text has no index: where it is rare, this reads all artifacts, and so is not for being repeated.
        mentioned = select(Artifacts.repo_id, Artifacts.artifact).where(_mentions(wanted.query))
        found = _beginning(tx, mentioned)
        if len(found) <= FEW_ARTIFACTS:
            return sorted({row.repo_id for row in found})
    return None


def _beginning(tx: Transaction, candidate: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
    return tx.execute(candidate.limit(FEW_ARTIFACTS + 1)).all()


def _candidates(wanted: ArtifactFilter) -> Iterator[Select[*tuple[Any, ...]]]:
    held = select(StageHolders.repo_id, StageHolders.artifact)
    labelled = select(ArtifactLabels.repo_id, ArtifactLabels.artifact)
    all_of_them = select(Artifacts.repo_id, Artifacts.artifact)
    if wanted.stage is not None:
        yield held.where(StageHolders.stage == storable(wanted.stage))
    for label in wanted.labels:
        yield labelled.where(ArtifactLabels.label == storable(label))
    if wanted.type is not None:
        yield all_of_them.where(Artifacts.type == storable(wanted.type), Artifacts.type.is_not(None))
    if wanted.is_deprecated:
        yield all_of_them.where(~Artifacts.is_active)
    if wanted.is_registered is False:
        yield all_of_them.where(~Artifacts.is_registered)


def _mentions(query: str) -> ColumnElement[bool]:
    sought = storable(fold(query))
    of_name = select(Repos.id).where(Repos.sort_name.contains(sought.replace("/", " "), autoescape=True))
    return or_(Artifacts.search.contains(sought, autoescape=True), Artifacts.repo_id.in_(of_name))


def _summary(rows: Sequence[Row[*tuple[Any, ...]]]) -> ArtifactSummary:
    """An artifact from its rows, one for each stage."""
    row = rows[0]
    return ArtifactSummary(
        repo=f"{row.namespace}/{row.name}",
        artifact=row[2],
        latest=row.latest,
        stages={row.stage: row.version or row.commit_id for row in rows if row.stage is not None},
        versions=row.versions,
        type=row.type,
        path=row.path,
        description=row.description,
        labels=tuple(json.loads(row.labels)),
        is_registered=row.is_registered,
        is_deprecated=not row.is_active,
        updated_at=_time(row.updated_at),
        latest_at=_time(row.latest_at),
    )


def _time(seconds: int) -> datetime | None:
    return None if seconds == NEVER else _EPOCH + timedelta(seconds=seconds)
