"""What each tenant holds of the Xet store. A tenant is a namespace, and who in it (see :class:`Tenant`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, delete, select, update

from modelkeep.db.batches import batches
from modelkeep.db.tables import BlobLinks, Blobs, XetChunks, XetEpochs, XorbLinks
from modelkeep.db.transaction import Transaction

_OF_FILE = (
    select(Blobs.oid, Blobs.size)
    .join(BlobLinks, BlobLinks.oid == Blobs.oid)
    .where(Blobs.xet_hash == bindparam("sought"), BlobLinks.repo_id == bindparam("sought_repo"))
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whom a xorb belongs to: the members of a namespace (``owner_id`` 0), or one user who writes there otherwise."""

    namespace_id: int
    owner_id: int = 0


def epoch(tx: Transaction, tenant: Tenant) -> int:
    """How often what this tenant's clients remember was declared void."""
    found: int | None = tx.scalar(select(XetEpochs.epoch).where(_of(XetEpochs, tenant)))
    return found or 0


def advance_epoch(tx: Transaction, tenant: Tenant, present: int) -> None:
    """Declares void what the clients of this tenant remember, unless that was done since ``present``."""
    row = {"namespace_id": tenant.namespace_id, "owner_id": tenant.owner_id, "epoch": 0}
    tx.execute(tx.insert(XetEpochs).on_conflict_do_nothing(), row)
    tx.execute(
        update(XetEpochs).where(_of(XetEpochs, tenant), XetEpochs.epoch == present).values(epoch=present + 1)
    )


def link_xorb(tx: Transaction, tenant: Tenant, xorb: str, size: int, now: datetime) -> bool:
    """Gives a tenant a xorb that it has sent; False where it had it."""
    row = {
        "namespace_id": tenant.namespace_id,
        "owner_id": tenant.owner_id,
        "xorb": xorb,
        "size": size,
        "batch": None,
        "created_at": now,
        "used_at": now,
    }
    statement = tx.insert(XorbLinks).on_conflict_do_nothing().returning(XorbLinks.xorb)
    return tx.execute(statement, row).first() is not None


def linked_xorbs(tx: Transaction, tenant: Tenant, xorbs: Collection[str]) -> set[str]:
    """Of these xorbs those that the tenant holds."""
    found: set[str] = set()
    for some in batches(sorted(xorbs)):
        rows = tx.execute(select(XorbLinks.xorb).where(_of(XorbLinks, tenant), XorbLinks.xorb.in_(some)))
        found.update(row.xorb for row in rows)
    return found


def use_xorbs(tx: Transaction, tenant: Tenant, xorbs: Collection[str], batch: str, now: datetime) -> None:
    """Notes that files were built from these xorbs; those that no shard had named before become a batch."""
    for some in batches(sorted(xorbs)):
        these = and_(_of(XorbLinks, tenant), XorbLinks.xorb.in_(some))
        tx.execute(update(XorbLinks).where(these).values(used_at=now))
        tx.execute(update(XorbLinks).where(these, XorbLinks.batch.is_(None)).values(batch=batch))


def add_chunks(tx: Transaction, tenant: Tenant, chunks: Sequence[tuple[str, str]]) -> None:
    """Notes in which xorb each chunk (hash, xorb) is; what is known of a chunk stays."""
    for some in batches(chunks):
        rows = [
            {
                "namespace_id": tenant.namespace_id,
                "owner_id": tenant.owner_id,
                "chunk": chunk,
                "xorb": xorb,
            }
            for chunk, xorb in some
        ]
        tx.execute(tx.insert(XetChunks).on_conflict_do_nothing(), rows)


def xorbs_near(tx: Transaction, tenant: Tenant, chunk: str, limit: int) -> list[str]:
    """The xorb of the tenant that holds a chunk, then those sent with it and after it, at most ``limit`` in all."""
    held = tx.first(
        select(XorbLinks.xorb, XorbLinks.batch, XorbLinks.created_at)
        .join(
            XetChunks,
            and_(
                XetChunks.xorb == XorbLinks.xorb,
                XetChunks.namespace_id == XorbLinks.namespace_id,
                XetChunks.owner_id == XorbLinks.owner_id,
            ),
        )
        .where(_of(XorbLinks, tenant), XetChunks.chunk == chunk)
    )
    if held is None or held.batch is None:
        return [held.xorb] if held is not None else []
    others = (
        select(XorbLinks.xorb)
        .where(_of(XorbLinks, tenant), XorbLinks.batch == held.batch, XorbLinks.xorb != held.xorb)
        .order_by(XorbLinks.created_at < held.created_at, XorbLinks.created_at, XorbLinks.xorb)
        .limit(limit - 1)
    )
    return [held.xorb, *(row.xorb for row in tx.execute(others))]


def forget_xorbs(tx: Transaction, xorbs: Collection[str]) -> None:
    """Takes xorbs that leave the store from all tenants, and declares void what their clients remember."""
    for some in batches(sorted(xorbs)):
        held = select(XorbLinks.namespace_id, XorbLinks.owner_id).where(XorbLinks.xorb.in_(some)).distinct()
        for tenant in [Tenant(row.namespace_id, row.owner_id) for row in tx.execute(held)]:
            advance_epoch(tx, tenant, epoch(tx, tenant))
        tx.execute(delete(XetChunks).where(XetChunks.xorb.in_(some)))
        tx.execute(delete(XorbLinks).where(XorbLinks.xorb.in_(some)))


def set_file_hashes(tx: Transaction, files: Sequence[tuple[str, str]]) -> None:
    """Notes the Xet hash of blobs (oid, hash)."""
    if files:
        statement = update(Blobs).where(Blobs.oid == bindparam("of_oid")).values(xet_hash=bindparam("hash"))
        tx.execute(statement, [{"of_oid": oid, "hash": value} for oid, value in files])


def oids_of_files(tx: Transaction, hashes: Collection[str]) -> dict[str, str]:
    """The oids of files by their Xet hash, where they are known, whoever has them: a fact about bytes, no right."""
    found: dict[str, str] = {}
    for some in batches(sorted(hashes)):
        rows = tx.execute(select(Blobs.xet_hash, Blobs.oid).where(Blobs.xet_hash.in_(some)))
        found.update((str(row.xet_hash), row.oid) for row in rows)
    return found


def blob_of_file(tx: Transaction, repo_id: str, file_hash: str) -> tuple[str, int] | None:
    """The oid and the size of the file with this Xet hash that a repo holds; None where it holds none."""
    row = tx.execute(_OF_FILE, {"sought": file_hash, "sought_repo": repo_id}).first()
    return (row.oid, row.size) if row is not None else None


def file_hashes(tx: Transaction, oids: Collection[str]) -> dict[str, str]:
    """The Xet hashes of blobs, where they are known."""
    found: dict[str, str] = {}
    for some in batches(sorted(oids)):
        rows = tx.execute(select(Blobs.oid, Blobs.xet_hash).where(Blobs.oid.in_(some)))
        found.update((row.oid, row.xet_hash) for row in rows if row.xet_hash is not None)
    return found


def _of(table: type[XorbLinks | XetChunks | XetEpochs], tenant: Tenant) -> ColumnElement[bool]:
    return and_(table.namespace_id == tenant.namespace_id, table.owner_id == tenant.owner_id)
