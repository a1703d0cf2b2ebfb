"""Lists of models and datasets as the Hub's clients ask for them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_

from modelkeep.db.cards import conditions
from modelkeep.db.keyset import SortColumn, microseconds, one_page
from modelkeep.db.reading import readable_condition
from modelkeep.db.repo_rows import repo_columns, repo_of
from modelkeep.db.storable import storable
from modelkeep.db.tables import Namespaces, RepoCounts, Repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.catalogue import CatalogueSort, HubFilter
from modelkeep.domain.names import fold
from modelkeep.domain.paging import CursorKey, Page, PageRequest, page_of
from modelkeep.domain.repos import Repo, RepoKind

_SORTS: dict[CatalogueSort, list[SortColumn]] = {
    "updated": [Repos.updated_at, Repos.id],
    "created": [Repos.created_at, Repos.id],
    "downloads": [RepoCounts.recent_downloads, RepoCounts.repo_id],
}


def list_catalogue(
    tx: Transaction, actor: Actor, kind: RepoKind, wanted: HubFilter, page: PageRequest
) -> Page[Repo]:
    """Repos of a kind that ``actor`` may read, the newest (or most downloaded) first.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    statement = repo_columns().where(readable_condition(actor), Repos.kind == str(kind))
    if wanted.sort == "downloads":
        statement = statement.join(RepoCounts, RepoCounts.repo_id == Repos.id).add_columns(
            RepoCounts.recent_downloads
        )
    if wanted.author is not None:
        statement = statement.where(Namespaces.name_folded == fold(storable(wanted.author)))
    for text in wanted.search:
        statement = statement.where(_mentions(text))
    for condition in conditions(wanted):
        statement = statement.where(condition)
    limited = one_page(statement, _SORTS[wanted.sort], page, is_descending=True)
    return page_of([(_key(row, wanted.sort), repo_of(row)) for row in tx.execute(limited)], page.limit)


def _mentions(text: str) -> ColumnElement[bool]:
    sought = fold(storable(text))
    full_name = Namespaces.name_folded + "/" + Repos.name_folded
    return or_(
        full_name.contains(sought, autoescape=True),
        func.lower(Repos.description).contains(sought, autoescape=True),
    )


def _key(row: Row[*tuple[Any, ...]], sort: CatalogueSort) -> CursorKey:
    if sort == "downloads":
        return (row.recent_downloads, row.id)
    return (microseconds(row.updated_at if sort == "updated" else row.created_at), row.id)
