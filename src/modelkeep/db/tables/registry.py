"""The index of registry tags: events, and what they fold to. Rebuildable from the repos."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, RepoId

NEVER = -(10**12)
"""In a column of seconds that lists sort by: nothing has happened yet. Before every time that a tag can bear."""


def _partial(name: str, condition: str, *columns: str, sqlite: str | None = None) -> Index:
    """An index of the rows that fulfil a condition, as each database is asked for them."""
    return Index(name, *columns, sqlite_where=text(sqlite or condition), postgresql_where=text(condition))


class Artifacts(Base):
    """An artifact at a glance: what its tags fold to, and what the default branch's tip says about it.

    ``latest_at`` and ``updated_at`` are in seconds since 1970, or :data:`NEVER`; ``source`` is null where no file
    says anything; ``labels`` and ``custom`` are JSON; ``search`` is what free text is sought in, folded.
    """

    __tablename__ = "artifacts"
    __table_args__ = (
        Index(None, "updated_at", "repo_id", "artifact"),
        Index(None, "latest_at", "repo_id", "artifact"),
        Index(None, "versions", "repo_id", "artifact"),
        _partial("ix_artifacts_type", "type IS NOT NULL", "type", "repo_id", "artifact"),
        _partial("ix_artifacts_deprecated", "NOT is_active", "repo_id", "artifact", sqlite="is_active = 0"),
        _partial(
            "ix_artifacts_unregistered",
            "NOT is_registered",
            "repo_id",
            "artifact",
            sqlite="is_registered = 0",
        ),
    )

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    artifact: Mapped[str] = mapped_column(primary_key=True)
    is_registered: Mapped[bool]
    is_active: Mapped[bool]
    latest: Mapped[str | None]
    latest_at: Mapped[int]
    updated_at: Mapped[int]
    versions: Mapped[int]
    source: Mapped[str | None]
    type: Mapped[str | None]
    path: Mapped[str | None]
    is_virtual: Mapped[bool]
    description: Mapped[str]
    labels: Mapped[str]
    custom: Mapped[str]
    checksum: Mapped[str | None]
    search: Mapped[str]


class ArtifactLabels(Base):
    """The labels of artifacts, as the default branch's tip has them."""

    __tablename__ = "artifact_labels"
    __table_args__ = (Index(None, "label", "repo_id", "artifact"),)

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    artifact: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)


class RegistryEvents(Base):
    """A row for each registry tag; ``at`` is in seconds since 1970, ``offset_minutes`` the tagger's zone."""

    __tablename__ = "registry_events"
    __table_args__ = (
        Index(None, "at", "repo_id", "tag"),
        Index(None, "repo_id", "at", "tag"),
        Index(None, "repo_id", "artifact", "at", "tag"),
        Index(None, "repo_id", "artifact", "commit_id"),
        _partial("ix_registry_events_version", "version IS NOT NULL", "repo_id", "artifact", "version"),
        _partial(
            "ix_registry_events_stage", "stage IS NOT NULL", "repo_id", "artifact", "stage", "at", "tag"
        ),
        _partial("ix_registry_events_deprecation", "kind = 'deprecation'", "repo_id", "artifact", "at"),
        _partial("ix_registry_events_counter", "counter IS NOT NULL", "repo_id", "artifact", "counter"),
    )

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
    __table_args__ = (Index(None, "stage", "repo_id", "artifact"),)

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


class FileProblems(Base):
    """Files of the default branch that the registry reads and cannot, or only in part; numbered in their order."""

    __tablename__ = "file_problems"

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    file: Mapped[str]
    code: Mapped[str]
    reason: Mapped[str]
    remedy: Mapped[str]
    line: Mapped[int | None]
