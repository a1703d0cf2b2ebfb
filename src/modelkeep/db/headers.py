"""Headers of files, remembered by what they are the headers of."""

from __future__ import annotations

from sqlalchemy import select

from modelkeep.db.tables import FileHeaders
from modelkeep.db.transaction import Transaction


def header_of(tx: Transaction, oid: str) -> bytes | None:
    """What was remembered; None where nothing was."""
    found: bytes | None = tx.scalar(select(FileHeaders.header).where(FileHeaders.oid == oid))
    return found


def remember(tx: Transaction, oid: str, header: bytes) -> None:
    """Remembers a header, once."""
    tx.execute(
        tx.insert(FileHeaders)
        .values(oid=oid, header=header)
        .on_conflict_do_update(index_elements=["oid"], set_={"header": header})
    )
