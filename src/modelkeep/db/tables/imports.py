"""Imports from other hubs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, RepoId, Serial


class Imports(Base):
    """What a repo takes over from a repo of another hub: at most one for each.

    ``token`` is encrypted; ``every`` is in seconds; ``next_at`` is when it goes on by itself, ``job_at`` when the
    engine was given the job that is under way.
    """

    __tablename__ = "imports"
    __table_args__ = (
        Index("uq_imports_repo_id", "repo_id", unique=True),
        Index(None, "next_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Serial]
    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"))
    endpoint: Mapped[str]
    kind: Mapped[str]
    source: Mapped[str]
    token: Mapped[bytes | None]
    revision: Mapped[str | None]
    include: Mapped[list[str]] = mapped_column(JSON)
    exclude: Mapped[list[str]] = mapped_column(JSON)
    every: Mapped[int | None]
    state: Mapped[str]
    wanted_commit: Mapped[str | None]
    imported_commit: Mapped[str | None]
    result_commit: Mapped[str | None]
    files_done: Mapped[int]
    files_total: Mapped[int]
    bytes_done: Mapped[int]
    bytes_total: Mapped[int]
    failures: Mapped[int]
    error_code: Mapped[str | None]
    error: Mapped[str | None]
    next_at: Mapped[datetime | None]
    job_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ImportFiles(Base):
    """The files that the last run of an import took over, with their ids at the source."""

    __tablename__ = "import_files"

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    oid: Mapped[str]
