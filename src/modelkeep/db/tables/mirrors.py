"""Namespaces that take over repos of a namespace elsewhere."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base


class Mirrors(Base):
    """Where a namespace's repos come from when they are asked for; ``token`` is encrypted, ``fresh_for`` in seconds."""

    __tablename__ = "mirrors"

    namespace_id: Mapped[int] = mapped_column(
        ForeignKey("namespaces.id", ondelete="CASCADE"), primary_key=True
    )
    endpoint: Mapped[str]
    source: Mapped[str]
    token: Mapped[bytes | None]
    fresh_for: Mapped[int]
    include: Mapped[list[str]] = mapped_column(JSON)
    exclude: Mapped[list[str]] = mapped_column(JSON)
    kinds: Mapped[list[str]] = mapped_column(JSON)
    set_at: Mapped[datetime]
    set_by: Mapped[str]
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
