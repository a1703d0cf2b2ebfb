"""The registry's events across repos, in the order of their times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from modelkeep.db.batches import batches
from modelkeep.db.keyset import one_page
from modelkeep.db.registry_overview import few_repos, opaque, repo_scope
from modelkeep.db.registry_rows import EVENT_COLUMNS, event_of_row
from modelkeep.db.storable import storable
from modelkeep.db.tables import Namespaces, RegistryEvents, Repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.events import RANKS, Event
from modelkeep.domain.paging import CursorKey, Page, PageRequest, page_of
from modelkeep.domain.past import HistoryFilter
from modelkeep.domain.tag_grammar import EventKind

_COLUMNS = [cast("Table", RegistryEvents.__table__).c[name] for name in EVENT_COLUMNS]
_RANK = case({str(kind): rank for kind, rank in RANKS.items()}, value=RegistryEvents.kind, else_=0)
_ORDER: list[Any] = [RegistryEvents.at, _RANK, RegistryEvents.repo_id, RegistryEvents.tag]


def events_page(
    tx: Transaction,
    actor: Actor,
    page: PageRequest,
    wanted: HistoryFilter,
    *,
    repo_id: str | None = None,
    is_ascending: bool = False,
) -> Page[tuple[str, Event]]:
    """Events of the repos that ``actor`` may read, each with the id of its repo.

    An index leads to the second where a page begins; only the events of one second are sorted.

    Args:
        tx: The transaction.
        actor: Who asks.
        page: Which page.
        wanted: Which events.
        repo_id: Only those of this repo.
        is_ascending: The oldest first.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    limited = one_page(
        select(*_COLUMNS).where(*_matching(wanted)), _ORDER, page, is_descending=not is_ascending
    )
    if page.after is not None:
        second = page.after[0]
        limited = limited.where(RegistryEvents.at >= second if is_ascending else RegistryEvents.at <= second)
    scope = repo_scope(actor, repo_id, wanted.namespace, wanted.repo)
    ids = few_repos(tx, scope)
    if ids is None:
        may_be_seen = exists().where(Repos.id == RegistryEvents.repo_id, *scope)
        found = [_row(row) for row in tx.execute(limited.where(opaque(may_be_seen)))]
    else:
        each = (tx.execute(limited.where(RegistryEvents.repo_id == one)) for one in ids)
        found = sorted((_row(row) for rows in each for row in rows), key=_key, reverse=not is_ascending)
    return page_of([(_key(row), row) for row in found], page.limit)


def names_of_repos(tx: Transaction, repo_ids: Iterable[str]) -> dict[str, str]:
    """``namespace/name`` of repos, by id."""
    found: dict[str, str] = {}
    for some in batches(sorted(set(repo_ids))):
        rows = tx.execute(
            select(Repos.id, Namespaces.name.label("namespace"), Repos.name)
            .join(Namespaces, Namespaces.id == Repos.namespace_id)
            .where(Repos.id.in_(some))
        )
        found |= {row.id: f"{row.namespace}/{row.name}" for row in rows}
    return found


def _matching(wanted: HistoryFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.artifact is not None:
        conditions.append(RegistryEvents.artifact == storable(wanted.artifact))
    if wanted.stage is not None:
        conditions.append(RegistryEvents.stage == storable(wanted.stage))
    if wanted.version is not None:
        conditions.append(_about_version(storable(wanted.version)))
    if wanted.kind is not None:
        conditions.append(RegistryEvents.kind == str(wanted.kind))
    if wanted.author is not None:
        sought = storable(wanted.author.lower())
        conditions.append(
            or_(
                func.lower(RegistryEvents.author) == sought, func.lower(RegistryEvents.author_email) == sought
            )
        )
    if wanted.since is not None:
        conditions.append(RegistryEvents.at >= wanted.since.timestamp())
    if wanted.until is not None:
        conditions.append(RegistryEvents.at <= wanted.until.timestamp())
    return conditions


def _about_version(version: str) -> ColumnElement[bool]:
    registration = aliased(RegistryEvents)
    at_its_commit = exists().where(
        registration.repo_id == RegistryEvents.repo_id,
        registration.artifact == RegistryEvents.artifact,
        registration.commit_id == RegistryEvents.commit_id,
        registration.version == version,
        registration.kind == str(EventKind.REGISTRATION),
    )
    return or_(RegistryEvents.version == version, and_(RegistryEvents.stage.is_not(None), at_its_commit))


def _row(row: Any) -> tuple[str, Event]:
    return row.repo_id, event_of_row(row)


def _key(row: tuple[str, Event]) -> CursorKey:
    repo_id, event = row
    at, rank, tag = event.order
    return int(at), rank, repo_id, tag
