"""Lists of repos: what an actor may read, searched, filtered and sorted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from modelkeep.db.cards import conditions
from modelkeep.db.keyset import SortColumn, microseconds, one_page
from modelkeep.db.reading import owned_condition, readable_condition
from modelkeep.db.repo_rows import repo_columns, repo_of
from modelkeep.db.tables import Namespaces, RepoCounts, RepoLabels, Repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor, Visibility
from modelkeep.domain.catalogue import HubFilter
from modelkeep.domain.names import fold
from modelkeep.domain.paging import CursorKey, Page, PageRequest, page_of
from modelkeep.domain.repos import Repo, RepoKind

Sort = Literal["updated", "name", "created", "downloads"]

_SORTS: dict[str, list[SortColumn]] = {
    "updated": [Repos.updated_at, Repos.id],
    "created": [Repos.created_at, Repos.id],
    "name": [Namespaces.name_folded, Repos.name_folded, Repos.kind],
    "downloads": [RepoCounts.recent_downloads, RepoCounts.repo_id],
}


def list_repos(
    tx: Transaction,
    actor: Actor,
    page: PageRequest,
    *,
    namespace: str | None = None,
    query: str | None = None,
    labels: Sequence[str] = (),
    visibility: Visibility | None = None,
    kind: RepoKind | None = None,
    sort: Sort = "updated",
    include_deleted: bool = False,
    wanted: HubFilter | None = None,
) -> Page[Repo]:
    """Repos that ``actor`` may read.

    Args:
        tx: The transaction.
        actor: Who asks.
        page: Which page.
        namespace: Only those of this user or organisation.
        query: Only those with this in ``namespace/name`` or in the description, without case.
        labels: Only those with all of these.
        visibility: Only those with this one.
        kind: Only those of this kind.
        sort: ``updated`` and ``created`` give the newest first, ``downloads`` the most downloaded in the last 30
            days, ``name`` goes by ``namespace/name``.
        include_deleted: Also deleted ones that the actor owns.
        wanted: What their cards and weights must say.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    may_see = readable_condition(actor)
    if include_deleted:
        may_see = or_(may_see, and_(Repos.deleted_at.is_not(None), owned_condition(actor)))
    statement = (
        repo_columns()
        .add_columns(Namespaces.name_folded.label("ns_folded"), Repos.name_folded)
        .where(may_see, *(conditions(wanted) if wanted else ()))
    )
    if sort == "downloads":
        statement = statement.join(RepoCounts, RepoCounts.repo_id == Repos.id).add_columns(
            RepoCounts.recent_downloads
        )
    for condition in _filters(namespace, query, labels, visibility, kind):
        statement = statement.where(condition)
    limited: Select[*tuple[Any, ...]] = one_page(statement, _SORTS[sort], page, is_descending=sort != "name")
    return page_of([(_key(row, sort), repo_of(row)) for row in tx.execute(limited)], page.limit)


def _filters(
    namespace: str | None,
    query: str | None,
    labels: Sequence[str],
    visibility: Visibility | None,
    kind: RepoKind | None,
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if namespace is not None:
        conditions.append(Namespaces.name_folded == fold(namespace))
    if query:
        sought = fold(query)
        full_name = Namespaces.name_folded + "/" + Repos.name_folded
        conditions.append(
            or_(
                full_name.contains(sought, autoescape=True),
                func.lower(Repos.description).contains(sought, autoescape=True),
            )
        )
    for label in labels:
        conditions.append(Repos.id.in_(select(RepoLabels.repo_id).where(RepoLabels.label == label)))
    if visibility is not None:
        conditions.append(Repos.visibility == str(visibility))
    if kind is not None:
        conditions.append(Repos.kind == str(kind))
    return conditions


def _key(row: Row[*tuple[Any, ...]], sort: Sort) -> CursorKey:
    if sort == "name":
        return (row.ns_folded, row.name_folded, row.kind)
    if sort == "downloads":
        return (row.recent_downloads, row.id)
    return (microseconds(row.updated_at if sort == "updated" else row.created_at), row.id)
