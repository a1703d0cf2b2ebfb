"""Blobs, which repos they are linked to, and LFS locks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, OidText, RepoId


class Blobs(Base):
    """The blobs that are in the store, complete and checked.

    ``size`` is in bytes; ``xet_hash`` the hash that Xet gives to the same bytes, where it is known.
    """

    __tablename__ = "blobs"
    __table_args__ = (Index(None, "xet_hash"),)

    oid: Mapped[OidText] = mapped_column(primary_key=True)
    size: Mapped[int]
    created_at: Mapped[datetime]
    xet_hash: Mapped[OidText | None]


class BlobLinks(Base):
    """That a repo holds a blob: the right of its readers to read it."""

    __tablename__ = "blob_links"
    __table_args__ = (Index(None, "oid"),)

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[OidText] = mapped_column(ForeignKey("blobs.oid"), primary_key=True)
    size: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class LfsLocks(Base):
    """LFS file locks: one for a path in a repo, whatever the branch."""

    __tablename__ = "lfs_locks"
    __table_args__ = (UniqueConstraint("repo_id", "path"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"))
    path: Mapped[str]
    ref: Mapped[str | None]
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    locked_at: Mapped[datetime]
