"""Which blobs there are, and which repos hold them: a known oid alone grants nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, exists, func, or_, select
from sqlalchemy.orm import aliased

from modelkeep.db.batches import batches
from modelkeep.db.keyset import microseconds, one_page
from modelkeep.db.reading import content_condition
from modelkeep.db.tables import BlobLinks, Blobs, Repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.lfs import BlobAccess, HeldBlob, Oid
from modelkeep.domain.paging import Page, PageRequest, encode_cursor

_LINKED = select(BlobLinks.oid, BlobLinks.size).where(
    BlobLinks.repo_id == bindparam("sought_repo"), BlobLinks.oid.in_(bindparam("oids", expanding=True))
)


def record_blob_and_link(
    tx: Transaction, oid: str, size: int, repo_id: str, user_id: int | None, now: datetime
) -> None:
    """Notes that a blob is complete in the store and that a repo holds it; safe to repeat.

    Raises:
        Conflict: There is no such repo.
    """
    blob = {"oid": oid, "size": size, "created_at": now}
    tx.execute(tx.insert(Blobs).on_conflict_do_nothing(), blob)
    link(tx, repo_id, [(oid, size)], user_id, now)


def link(
    tx: Transaction, repo_id: str, blobs: Sequence[tuple[str, int]], user_id: int | None, now: datetime
) -> None:
    """Gives a repo blobs (oid, size) that are in the store; those that it has stay as they are.

    Raises:
        Conflict: There is no such repo, or a blob is not recorded.
    """
    rows = [
        {"repo_id": repo_id, "oid": oid, "size": size, "created_at": now, "created_by": user_id}
        for oid, size in dict(blobs).items()
    ]
    if rows:
        tx.execute(tx.insert(BlobLinks).on_conflict_do_nothing(), rows)


def readable(tx: Transaction, actor: Actor, repo_id: str, oids: Sequence[str]) -> dict[str, BlobAccess]:
    """Of ``oids`` those that count as there for this actor in this repo: one query for each thousand.

    That is what the repo itself holds (that the actor may read the repo is the caller's to decide), and what
    any repo holds whose content the actor may read. An LFS batch and the check of a push both ask this.
    """
    here = aliased(BlobLinks)
    anywhere = aliased(BlobLinks)
    is_here = here.repo_id.is_not(None)
    of_a_readable_repo = exists(
        select(1)
        .select_from(anywhere)
        .join(Repos, Repos.id == anywhere.repo_id)
        .where(anywhere.oid == Blobs.oid, content_condition(actor))
        .correlate(Blobs)
    )
    found: dict[str, BlobAccess] = {}
    for some in batches(list(dict.fromkeys(oids))):
        rows = tx.execute(
            select(Blobs.oid, Blobs.size, is_here.label("is_here"))
            .outerjoin(here, and_(here.oid == Blobs.oid, here.repo_id == repo_id))
            .where(Blobs.oid.in_(some), or_(is_here, of_a_readable_repo))
        )
        found.update((row.oid, BlobAccess(row.size, bool(row.is_here))) for row in rows)
    return found


def linked(tx: Transaction, repo_id: str, oids: Sequence[str]) -> dict[str, int]:
    """Of ``oids`` those that the repo holds, with their sizes in bytes."""
    found: dict[str, int] = {}
    for some in batches(list(dict.fromkeys(oids))):
        rows = tx.execute(_LINKED, {"sought_repo": repo_id, "oids": list(some)})
        found.update((row.oid, row.size) for row in rows)
    return found


def blob_size(tx: Transaction, oid: str) -> int | None:
    """The size of a blob in bytes, None where none is recorded."""
    size: int | None = tx.scalar(select(Blobs.size).where(Blobs.oid == oid))
    return size


def all_linked(tx: Transaction, repo_id: str) -> dict[str, int]:
    """All blobs that a repo holds, with their sizes in bytes."""
    rows = tx.execute(select(BlobLinks.oid, BlobLinks.size).where(BlobLinks.repo_id == repo_id))
    return {row.oid: row.size for row in rows}


def total(tx: Transaction) -> tuple[int, int]:
    """How many blobs there are, and their bytes together."""
    count, size = tx.execute(select(func.count(), func.coalesce(func.sum(Blobs.size), 0))).one()
    return int(count), int(size)


def unlinked(tx: Transaction, before: datetime, limit: int) -> list[tuple[str, int]]:
    """Blobs (oid, size) that no repo holds, not even a deleted one that can be restored, recorded before a time."""
    held = exists().where(BlobLinks.oid == Blobs.oid)
    rows = tx.execute(
        select(Blobs.oid, Blobs.size).where(~held, Blobs.created_at < before).order_by(Blobs.oid).limit(limit)
    )
    return [(row.oid, row.size) for row in rows]


def forget_unlinked(tx: Transaction, oids: Sequence[str]) -> list[str]:
    """Removes the records of those of these blobs that no repo holds; gives them. Their bytes stay in the store."""
    held = exists().where(BlobLinks.oid == Blobs.oid)
    found: list[str] = []
    for some in batches(list(oids)):
        rows = tx.execute(delete(Blobs).where(Blobs.oid.in_(some), ~held).returning(Blobs.oid))
        found += [row.oid for row in rows]
    return found


def recorded(tx: Transaction, oids: Sequence[str]) -> set[str]:
    """Of ``oids`` those that are recorded."""
    found: set[str] = set()
    for some in batches(list(oids)):
        found.update(row.oid for row in tx.execute(select(Blobs.oid).where(Blobs.oid.in_(some))))
    return found


def usage(tx: Transaction, repo_id: str) -> tuple[int, int]:
    """How many blobs a repo holds, and their bytes together."""
    count, total = tx.execute(
        select(func.count(), func.coalesce(func.sum(BlobLinks.size), 0)).where(BlobLinks.repo_id == repo_id)
    ).one()
    return int(count), int(total)


def held_page(tx: Transaction, repo_id: str, page: PageRequest) -> Page[HeldBlob]:
    """The blobs that a repo holds, the newest first.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    columns = (BlobLinks.created_at, BlobLinks.oid)
    query = select(BlobLinks.oid, BlobLinks.size, BlobLinks.created_at).where(BlobLinks.repo_id == repo_id)
    rows = list(tx.execute(one_page(query, columns, page, is_descending=True)))
    items = tuple(HeldBlob(Oid(row.oid), row.size, row.created_at) for row in rows[: page.limit])
    is_more = len(rows) > page.limit
    cursor = encode_cursor((microseconds(items[-1].held_since), items[-1].oid)) if is_more else None
    return Page(items, cursor)


def unlink(tx: Transaction, repo_id: str, oids: Sequence[str]) -> int:
    """Takes blobs away from a repo, and with them its readers' right to read them; gives how many it held."""
    count = 0
    for some in batches(list(dict.fromkeys(oids))):
        condition = and_(BlobLinks.repo_id == repo_id, BlobLinks.oid.in_(some))
        count += len(tx.execute(select(BlobLinks.oid).where(condition)).all())
        tx.execute(delete(BlobLinks).where(condition))
    return count
