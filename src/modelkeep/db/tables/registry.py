"""The index of registry tags: events, and what they fold to. Rebuildable from the repos."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, RepoId


class Artifacts(Base):
    """Which artifacts the events of a repo speak about."""

    __tablename__ = "artifacts"

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    artifact: Mapped[str] = mapped_column(primary_key=True)


class RegistryEvents(Base):
    """A row for each registry tag; ``at`` is in seconds since 1970, ``offset_minutes`` the tagger's zone."""

    __tablename__ = "registry_events"
    __table_args__ = (Index(None, "repo_id", "artifact"),)

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    artifact: Mapped[str]
    kind: Mapped[str]
    version: Mapped[str | None]
    stage: Mapped[str | None]
    counter: Mapped[int | None]
    commit_id: Mapped[str]
    target: Mapped[str]
    at: Mapped[int]
    offset_minutes: Mapped[int]
    author: Mapped[str]
    author_email: Mapped[str]
    message: Mapped[str]


class Versions(Base):
    """The registered versions of artifacts; ``sort_key`` orders by precedence."""

    __tablename__ = "versions"
    __table_args__ = (
        Index(None, "repo_id", "artifact", "sort_key", "version"),
        Index(
            "uq_versions_latest",
            "repo_id",
            "artifact",
            unique=True,
            sqlite_where=text("is_latest"),
            postgresql_where=text("is_latest"),
        ),
    )

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    artifact: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    commit_id: Mapped[str]
    tag: Mapped[str]
    sort_key: Mapped[str]
    is_active: Mapped[bool]
    is_latest: Mapped[bool]
    registered_at: Mapped[datetime]
    author: Mapped[str]
    author_email: Mapped[str]
    message: Mapped[str]


class StageHolders(Base):
    """Who holds the stages of artifacts."""

    __tablename__ = "stage_holders"

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    artifact: Mapped[str] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str | None]
    commit_id: Mapped[str]
    tag: Mapped[str]
    assigned_at: Mapped[datetime]
    author: Mapped[str]
    author_email: Mapped[str]


class TagProblems(Base):
    """Tags that look like registry tags and are none."""

    __tablename__ = "tag_problems"

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str]
    reason: Mapped[str]
    remedy: Mapped[str]
