"""The public SSH keys of users."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, Serial

_NOT_REVOKED = text("NOT is_revoked")


class UserKeys(Base):
    """Keys in use, removed and revoked. A key that is not revoked belongs to one user."""

    __tablename__ = "user_keys"
    __table_args__ = (
        Index(None, "user_id"),
        Index(None, "fingerprint", unique=True, sqlite_where=_NOT_REVOKED, postgresql_where=_NOT_REVOKED),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Serial]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    type: Mapped[str]
    key: Mapped[str]
    fingerprint: Mapped[str]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    is_revoked: Mapped[bool]
