"""Repos whose whole files become chunks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, RepoId


class Rechunks(Base):
    """The last time that somebody asked for it, of each repo, and how far it is."""

    __tablename__ = "rechunks"

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    state: Mapped[str]
    files_done: Mapped[int]
    files_total: Mapped[int]
    error: Mapped[str | None]
    asked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
