"""Small persistent facts about the hub itself."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base


class HubFacts(Base):
    """Facts by key."""

    __tablename__ = "hub"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
