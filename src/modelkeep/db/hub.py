"""Small persistent facts about the hub itself."""

from __future__ import annotations

from sqlalchemy import select

from modelkeep.db.tables import HubFacts
from modelkeep.db.transaction import Transaction


def get(tx: Transaction, key: str) -> str | None:
    """The fact under ``key``."""
    found: str | None = tx.scalar(select(HubFacts.value).where(HubFacts.key == key))
    return found


def set(tx: Transaction, key: str, value: str) -> None:
    """Stores a fact, in place of the one before."""
    statement = tx.insert(HubFacts).values(key=key, value=value)
    tx.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value})
    )


def get_or_set(tx: Transaction, key: str, value: str) -> str:
    """The fact under ``key``; ``value`` becomes it where there is none. All processes get the same answer."""
    tx.execute(tx.insert(HubFacts).values(key=key, value=value).on_conflict_do_nothing())
    return get(tx, key) or value
