"""Who asked to read the content of gated repos."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, select, update

from modelkeep.db.keyset import one_page
from modelkeep.db.storable import storable
from modelkeep.db.tables import AccessRequests, Namespaces, Users
from modelkeep.db.transaction import Transaction
from modelkeep.domain.gating import AccessRequest, AccessStatus
from modelkeep.domain.paging import Page, PageRequest, page_of

# Made once: every read of a gated repo runs it.
_ACCEPTED = select(AccessRequests.id).where(
    AccessRequests.repo_id == bindparam("sought_repo"),
    AccessRequests.user_id == bindparam("sought_user"),
    AccessRequests.status == str(AccessStatus.ACCEPTED),
)


def is_accepted(tx: Transaction, repo_id: str, user_id: int) -> bool:
    """Whether a user's request for a repo was accepted."""
    return tx.execute(_ACCEPTED, {"sought_repo": repo_id, "sought_user": user_id}).first() is not None


def request_of(tx: Transaction, repo_id: str, user_id: int) -> AccessRequest | None:
    """A user's request for a repo."""
    row = tx.execute(_requests(repo_id).where(AccessRequests.user_id == user_id)).first()
    return _request(row) if row is not None else None


def request_by_id(tx: Transaction, repo_id: str, request_id: int) -> AccessRequest | None:
    """A request for a repo by its id."""
    row = tx.execute(_requests(repo_id).where(AccessRequests.id == request_id)).first()
    return _request(row) if row is not None else None


def list_requests(
    tx: Transaction, repo_id: str, status: AccessStatus, page: PageRequest
) -> Page[AccessRequest]:
    """The requests for a repo that are so, oldest first."""
    statement = _requests(repo_id).where(AccessRequests.status == str(status))
    rows = tx.execute(one_page(statement, [AccessRequests.id], page))
    return page_of([((row.id,), _request(row)) for row in rows], page.limit)


def put_request(
    tx: Transaction,
    repo_id: str,
    user_id: int,
    status: AccessStatus,
    *,
    fields: Mapping[str, str],
    is_granted: bool,
    decided_by: str | None,
    now: datetime,
) -> None:
    """Adds a request, or replaces the one of this user.

    Raises:
        Conflict: There is no such repo or user.
    """
    values: dict[str, Any] = {
        "status": str(status),
        "asked_at": now,
        "decided_at": now if decided_by is not None else None,
        "decided_by": decided_by,
        "reason": None,
        "fields": storable(json.dumps(dict(fields))),
        "is_granted": is_granted,
    }
    statement = tx.insert(AccessRequests).values(repo_id=repo_id, user_id=user_id, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["repo_id", "user_id"], set_=values))


def decide(
    tx: Transaction,
    request_id: int,
    status: AccessStatus,
    decided_by: str,
    reason: str | None,
    now: datetime,
) -> None:
    """Moves a request to another status."""
    tx.execute(
        update(AccessRequests)
        .where(AccessRequests.id == request_id)
        .values(
            status=str(status),
            decided_at=now,
            decided_by=decided_by,
            reason=storable(reason) if reason else None,
        )
    )


def _requests(repo_id: str) -> Select[*tuple[Any, ...]]:
    return (
        select(*AccessRequests.__table__.c, Namespaces.name, Namespaces.full_name, Users.email)
        .join(Users, Users.id == AccessRequests.user_id)
        .join(Namespaces, Namespaces.id == AccessRequests.user_id)
        .where(AccessRequests.repo_id == repo_id)
    )


def _request(row: Row[*tuple[Any, ...]]) -> AccessRequest:
    return AccessRequest(
        id=row.id,
        user_id=row.user_id,
        username=row.name,
        full_name=row.full_name or "",
        email=row.email or "",
        status=AccessStatus(row.status),
        asked_at=row.asked_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        reason=row.reason,
        fields=json.loads(row.fields),
        is_granted=row.is_granted,
    )
