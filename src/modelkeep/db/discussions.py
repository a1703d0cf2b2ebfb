"""Discussions and pull requests, and who announced one."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, func, insert, select, update

from modelkeep.db.storable import storable
from modelkeep.db.tables import Announcements, DiscussionEvents, Discussions
from modelkeep.db.transaction import Transaction
from modelkeep.domain.discussions import (
    Discussion,
    DiscussionEvent,
    DiscussionEventKind,
    DiscussionStatus,
    Edit,
)
from modelkeep.domain.names import fold

_LIVE = tuple(str(status) for status in DiscussionStatus if status.is_live)


def add_discussion(
    tx: Transaction,
    *,
    repo_id: str,
    number: int,
    title: str,
    status: DiscussionStatus,
    author_id: int | None,
    author: str,
    target: str | None,
    base_commit: str | None,
    now: datetime,
) -> int:
    """Adds a discussion, or (with a ``target``) a pull request; gives its id. The caller holds the repo's lock."""
    made = tx.execute(
        insert(Discussions)
        .values(
            repo_id=repo_id,
            number=number,
            title=storable(title),
            status=str(status),
            is_pull_request=target is not None,
            author_id=author_id,
            author=author,
            target=target,
            base_commit=base_commit,
            created_at=now,
        )
        .returning(Discussions.id)
    )
    return int(made.scalar_one())


def last_number(tx: Transaction, repo_id: str) -> int:
    """The greatest number of a repo's discussions, 0 without any."""
    return tx.scalar(select(func.max(Discussions.number)).where(Discussions.repo_id == repo_id)) or 0


def discussion_of(tx: Transaction, repo_id: str, number: int) -> Discussion | None:
    """A discussion by its number within the repo."""
    row = tx.execute(_discussions().where(*_at(repo_id, number))).first()
    return _discussion(row) if row is not None else None


def remove_discussion(tx: Transaction, discussion_id: int) -> None:
    """Forgets a discussion with all that was said in it."""
    tx.execute(delete(Discussions).where(Discussions.id == discussion_id))


def list_discussions(
    tx: Transaction,
    repo_id: str,
    *,
    is_pull_request: bool | None = None,
    is_live: bool | None = None,
    author: str | None = None,
    start: int = 0,
    limit: int = 50,
) -> tuple[list[Discussion], int]:
    """Discussions of a repo, the newest first, after the first ``start``; and how many there are in all."""
    conditions = [Discussions.repo_id == repo_id]
    if is_pull_request is not None:
        conditions.append(Discussions.is_pull_request.is_(is_pull_request))
    if is_live is not None:
        live = Discussions.status.in_(_LIVE)
        conditions.append(live if is_live else ~live)
    if author is not None:
        conditions.append(func.lower(Discussions.author) == fold(author))
    count = tx.scalar(select(func.count()).select_from(Discussions).where(*conditions)) or 0
    rows = tx.execute(
        _discussions().where(*conditions).order_by(Discussions.number.desc()).offset(start).limit(limit)
    )
    return [_discussion(row) for row in rows], int(count)


def change_discussion(tx: Transaction, discussion_id: int, **changed: str | None) -> None:
    """Gives a discussion another ``status``, ``title`` or ``merge_commit``."""
    tx.execute(update(Discussions).where(Discussions.id == discussion_id).values(**changed))


def add_event(
    tx: Transaction,
    discussion_id: int,
    kind: DiscussionEventKind,
    *,
    user_id: int | None,
    username: str,
    content: str,
    before: str | None = None,
    now: datetime,
) -> DiscussionEvent:
    """Adds what was said or done."""
    made = tx.execute(
        insert(DiscussionEvents)
        .values(
            discussion_id=discussion_id,
            kind=str(kind),
            user_id=user_id,
            username=username,
            at=now,
            content=storable(content),
            before=before,
            edits="[]",
            is_hidden=False,
        )
        .returning(DiscussionEvents.id)
    )
    return DiscussionEvent(int(made.scalar_one()), kind, user_id, username, now, storable(content), before)


def events_of(tx: Transaction, discussion_id: int) -> list[DiscussionEvent]:
    """What was said and done, oldest first."""
    rows = tx.execute(
        _events().where(DiscussionEvents.discussion_id == discussion_id).order_by(DiscussionEvents.id)
    )
    return [_event(row) for row in rows]


def count_events(tx: Transaction, discussion_id: int) -> int:
    """How many things were said and done."""
    condition = DiscussionEvents.discussion_id == discussion_id
    return tx.scalar(select(func.count()).select_from(DiscussionEvents).where(condition)) or 0


def event_of(tx: Transaction, discussion_id: int, event_id: int) -> DiscussionEvent | None:
    """One of these by its id."""
    row = tx.execute(
        _events().where(DiscussionEvents.discussion_id == discussion_id, DiscussionEvents.id == event_id)
    ).first()
    return _event(row) if row is not None else None


def reword(tx: Transaction, event: DiscussionEvent, content: str, edit: Edit, *, is_hidden: bool) -> None:
    """Gives a comment another text, and notes by whom."""
    edits = [{"username": one.username, "at": one.at.isoformat()} for one in (*event.edits, edit)]
    tx.execute(
        update(DiscussionEvents)
        .where(DiscussionEvents.id == event.id)
        .values(content=storable(content), edits=json.dumps(edits), is_hidden=is_hidden)
    )


def has_live_pull_request(tx: Transaction, repo_id: str, user_id: int) -> bool:
    """Whether a user has opened a pull request in a repo that still takes commits."""
    statement = select(Discussions.id).where(
        Discussions.repo_id == repo_id,
        Discussions.author_id == user_id,
        Discussions.is_pull_request,
        Discussions.status.in_(_LIVE),
    )
    return tx.execute(statement.limit(1)).first() is not None


def announce(tx: Transaction, repo_id: str, user_id: int, until: datetime) -> None:
    """Notes that a user is about to open a pull request."""
    statement = tx.insert(Announcements).values(repo_id=repo_id, user_id=user_id, until=until)
    tx.execute(statement.on_conflict_do_update(index_elements=["repo_id", "user_id"], set_={"until": until}))


def is_announced(tx: Transaction, repo_id: str, user_id: int, now: datetime) -> bool:
    """Whether a user is about to open a pull request."""
    statement = select(Announcements.until).where(
        Announcements.repo_id == repo_id, Announcements.user_id == user_id, Announcements.until > now
    )
    return tx.execute(statement).first() is not None


def _at(repo_id: str, number: int) -> tuple[Any, Any]:
    return Discussions.repo_id == repo_id, Discussions.number == number


def _discussions() -> Select[*tuple[Any, ...]]:
    return select(*Discussions.__table__.c)


def _events() -> Select[*tuple[Any, ...]]:
    return select(*DiscussionEvents.__table__.c)


def _discussion(row: Row[*tuple[Any, ...]]) -> Discussion:
    return Discussion(
        id=row.id,
        number=row.number,
        title=row.title,
        status=DiscussionStatus(row.status),
        is_pull_request=row.is_pull_request,
        author_id=row.author_id,
        author=row.author,
        target=row.target,
        base_commit=row.base_commit,
        merge_commit=row.merge_commit,
        created_at=row.created_at,
    )


def _event(row: Row[*tuple[Any, ...]]) -> DiscussionEvent:
    edits = [Edit(one["username"], datetime.fromisoformat(one["at"])) for one in json.loads(row.edits)]
    return DiscussionEvent(
        id=row.id,
        kind=DiscussionEventKind(row.kind),
        user_id=row.user_id,
        username=row.username,
        at=row.at,
        content=row.content,
        before=row.before,
        edits=tuple(edits),
        is_hidden=row.is_hidden,
    )
