"""Repos, what belongs to them, and the index of their refs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, RepoId, Serial


class Repos(Base):
    """The repos, deleted ones included until they are purged.

    ``refs_digest`` stands for the indexed refs; ``sort_name`` is namespace and name, folded, with a blank between,
    which sorts as the two do; ``strict_tags`` is whether the gate refuses registry tags that cannot be read;
    ``gated`` how requests to read the content are answered, null where nobody needs to ask.
    """

    __tablename__ = "repos"
    __table_args__ = (
        Index(
            "uq_repos_name",
            "namespace_id",
            "kind",
            "name_folded",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(None, "namespace_id"),
        Index(None, "updated_at", "id"),
        Index(None, "created_at", "id"),
        # Unique, as SQLite asks before it follows an index through a join.
        Index("uq_repos_sort_name_id", "sort_name", "id", unique=True),
        Index(None, "visibility"),
        Index(
            "ix_repos_deleted_at",
            "deleted_at",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
    )

    id: Mapped[RepoId] = mapped_column(primary_key=True)
    namespace_id: Mapped[int] = mapped_column(ForeignKey("namespaces.id"))
    kind: Mapped[str]
    name: Mapped[str]
    name_folded: Mapped[str]
    sort_name: Mapped[str]
    description: Mapped[str]
    visibility: Mapped[str]
    default_branch: Mapped[str]
    strict_tags: Mapped[bool] = mapped_column(default=True)
    gated: Mapped[str | None]
    pristine_commit: Mapped[str | None]
    refs_digest: Mapped[bytes]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    deleted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class RepoLabels(Base):
    """Labels of repos."""

    __tablename__ = "repo_labels"
    __table_args__ = (Index(None, "label"),)

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)


class RepoMembers(Base):
    """Roles in single repos."""

    __tablename__ = "repo_members"
    __table_args__ = (Index(None, "user_id"),)

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[int]


class RepoAliases(Base):
    """Names that repos had before a rename or a transfer."""

    __tablename__ = "repo_aliases"
    __table_args__ = (Index(None, "repo_id"),)

    namespace_id: Mapped[int] = mapped_column(
        ForeignKey("namespaces.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    name_folded: Mapped[str] = mapped_column(primary_key=True)
    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"))


class NamespaceAliases(Base):
    """Names that namespaces had before a rename."""

    __tablename__ = "namespace_aliases"
    __table_args__ = (Index(None, "namespace_id"),)

    name_folded: Mapped[str] = mapped_column(primary_key=True)
    namespace_id: Mapped[int] = mapped_column(ForeignKey("namespaces.id", ondelete="CASCADE"))


class Protections(Base):
    """Rules for the refs of repos."""

    __tablename__ = "protections"
    __table_args__ = (UniqueConstraint("repo_id", "is_tag", "pattern"), {"sqlite_autoincrement": True})

    id: Mapped[Serial]
    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"))
    is_tag: Mapped[bool]
    pattern: Mapped[str]
    push_role: Mapped[int]
    allows_force: Mapped[bool]
    allows_delete: Mapped[bool]


class GitRefs(Base):
    """The index of refs: what each points to, and the commit behind that."""

    __tablename__ = "git_refs"

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str]
    commit_id: Mapped[str | None]
