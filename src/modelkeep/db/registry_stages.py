"""Who holds a stage anywhere: the stages of all repos that an actor may read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table, and_, or_, select

from modelkeep.db.keyset import SortColumn, one_page
from modelkeep.db.registry_overview import (
    BY_NAME_HINT,
    FEW_ARTIFACTS,
    few_repos,
    opaque,
    repo_scope,
    start_of_walk,
)
from modelkeep.db.registry_rows import STAGE_COLUMNS, stage_of_row
from modelkeep.db.storable import storable
from modelkeep.db.tables import Namespaces, Repos, StageHolders
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.names import fold
from modelkeep.domain.paging import CursorKey, Page, PageRequest, page_of
from modelkeep.domain.registry import HeldStage

_ORDER: tuple[SortColumn, ...] = (Repos.sort_name, Repos.id, StageHolders.artifact, StageHolders.stage)


def held_stages(
    tx: Transaction,
    actor: Actor,
    page: PageRequest,
    *,
    namespace: str | None = None,
    repo: str | None = None,
    stage: str | None = None,
    query: str | None = None,
) -> Page[HeldStage]:
    """Stages and their holders in the repos that ``actor`` may read, by repo, artifact and stage.

    The ways to a page are those of :mod:`modelkeep.db.registry_overview`.

    Args:
        tx: The transaction.
        actor: Who asks.
        page: Which page.
        namespace: Only in this user's or organisation's repos.
        repo: Only in repos of this name (``name``, or ``namespace/name``).
        stage: Only this one.
        query: Only those of artifacts with this in the repo's full name or their own, without case.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    scope = repo_scope(actor, None, namespace, repo)
    conditions = _conditions(stage, query)
    repo_ids = few_repos(tx, scope)
    columns: Sequence[Any] = _ORDER
    if repo_ids is not None:
        statement = _gathered([Repos.id.in_(repo_ids), *conditions])
        columns = list(statement.selected_columns)
    elif stage is not None and _is_rare(tx, stage):
        statement = _gathered([opaque(*scope), *conditions])
        columns = list(statement.selected_columns)
    else:
        statement = _keys().join_from(Repos, StageHolders, StageHolders.repo_id == Repos.id)
        statement = statement.with_hint(Repos, BY_NAME_HINT, "sqlite")
        statement = statement.where(opaque(*scope, *conditions))
        if page.after is not None:
            statement = statement.where(start_of_walk(page))
    limited = one_page(statement, columns, page)
    if repo_ids == []:
        return Page(())
    return page_of(_read(tx, limited), page.limit)


def _conditions(stage: str | None, query: str | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if stage is not None:
        conditions.append(StageHolders.stage == storable(stage))
    if query:
        sought = storable(fold(query))
        conditions.append(
            or_(
                Repos.sort_name.contains(sought.replace("/", " "), autoescape=True),
                StageHolders.artifact.icontains(sought, autoescape=True),
            )
        )
    return conditions


def _is_rare(tx: Transaction, stage: str) -> bool:
    sought = select(StageHolders.repo_id).where(StageHolders.stage == storable(stage))
    return len(tx.execute(sought.limit(FEW_ARTIFACTS + 1)).all()) <= FEW_ARTIFACTS


def _keys() -> Select[*tuple[Any, ...]]:
    return select(*(column.label(f"key{place}") for place, column in enumerate(_ORDER)))


def _gathered(conditions: Sequence[ColumnElement[bool]]) -> Select[*tuple[Any, ...]]:
    joined = _keys().join_from(StageHolders, Repos, Repos.id == StageHolders.repo_id)
    found = joined.where(*conditions).cte("found").prefix_with("MATERIALIZED")
    return select(*found.c)


def _read(tx: Transaction, limited: Select[*tuple[Any, ...]]) -> list[tuple[CursorKey, HeldStage]]:
    """The stages of a page of sort keys, each with its key."""
    page = limited.cte("page").prefix_with("MATERIALIZED")
    _, repo_id, artifact, stage = page.c
    columns = [cast("Table", StageHolders.__table__).c[name] for name in STAGE_COLUMNS]
    same = (StageHolders.repo_id == repo_id, StageHolders.artifact == artifact, StageHolders.stage == stage)
    rows = tx.execute(
        select(*page.c, *columns, Repos.name, Namespaces.name.label("namespace"))
        .select_from(page)
        .join(StageHolders, and_(*same))
        .join(Repos, Repos.id == repo_id)
        .join(Namespaces, Namespaces.id == Repos.namespace_id)
        .order_by(*page.c)
    )
    return [(tuple(row)[:4], HeldStage(f"{row.namespace}/{row.name}", stage_of_row(row))) for row in rows]
