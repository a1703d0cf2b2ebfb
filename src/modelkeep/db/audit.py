"""The audit log: what was changed, by whom, with what, from where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from modelkeep.db.keyset import one_page
from modelkeep.db.storable import storable
from modelkeep.db.tables import Audit
from modelkeep.db.transaction import Transaction
from modelkeep.domain.paging import Page, PageRequest, page_of
from modelkeep.domain.repos import AuditEntry

_COLUMNS = (
    Audit.at,
    Audit.user_id,
    Audit.username,
    Audit.token_id,
    Audit.address,
    Audit.door,
    Audit.action,
    Audit.target,
    Audit.repo_id,
    Audit.namespace_id,
    Audit.details,
)

_INSERT = insert(Audit)


def append(tx: Transaction, entry: AuditEntry) -> None:
    """Adds an entry; nothing changes or removes it, the database's triggers refuse that."""
    append_all(tx, [entry])


def append_all(tx: Transaction, entries: Sequence[AuditEntry]) -> None:
    """Adds entries, in order and in bulk."""
    if entries:
        tx.execute(_INSERT, [_values(entry) for entry in entries])


def _values(entry: AuditEntry) -> dict[str, Any]:
    values = {column.key: getattr(entry, column.key) for column in _COLUMNS}
    cleaned = {key: storable(value) if isinstance(value, str) else value for key, value in values.items()}
    cleaned["details"] = {
        storable(key): storable(value) if isinstance(value, str) else value
        for key, value in entry.details.items()
    }
    return cleaned


def list_entries(
    tx: Transaction,
    page: PageRequest,
    *,
    repo_id: str | None = None,
    namespace_id: int | None = None,
    username: str | None = None,
    action: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[AuditEntry]:
    """Entries, the newest first.

    Args:
        tx: The transaction.
        page: Which page.
        repo_id: Only those about this repo.
        namespace_id: Only those about this user or organisation and its repos.
        username: Only what this user did (the name as it was then).
        action: Only this action; ``repo.`` stands for all actions that begin so.
        since: Only from this time on.
        until: Only before this time.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    statement = select(*_COLUMNS, Audit.id)
    given: list[tuple[Any, Any]] = [
        (Audit.repo_id, repo_id),
        (Audit.namespace_id, namespace_id),
        (Audit.username, username),
    ]
    for column, value in given:
        if value is not None:
            statement = statement.where(column == value)
    if action is not None:
        is_group = action.endswith(".")
        statement = statement.where(
            Audit.action.startswith(action, autoescape=True) if is_group else Audit.action == action
        )
    if since is not None:
        statement = statement.where(Audit.at >= since)
    if until is not None:
        statement = statement.where(Audit.at < until)
    rows = tx.execute(one_page(statement, [Audit.id], page, is_descending=True))
    return page_of([((row.id,), AuditEntry(*row[: len(_COLUMNS)])) for row in rows], page.limit)
