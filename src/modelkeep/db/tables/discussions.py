"""Discussions and pull requests, and who may read the content of gated repos."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, RepoId, Serial


class Discussions(Base):
    """Discussions; a pull request is one with commits under ``refs/pr/NUMBER``.

    ``target`` is the branch that a pull request is for, ``base_commit`` where that was when it was opened.
    """

    __tablename__ = "discussions"
    __table_args__ = (
        UniqueConstraint("repo_id", "number"),
        Index(None, "repo_id", "author_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Serial]
    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"))
    number: Mapped[int]
    title: Mapped[str]
    status: Mapped[str]
    is_pull_request: Mapped[bool]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    author: Mapped[str]
    target: Mapped[str | None]
    base_commit: Mapped[str | None]
    merge_commit: Mapped[str | None]
    created_at: Mapped[datetime]


class DiscussionEvents(Base):
    """What was said and done in a discussion, in order; commits are Git's and are not repeated here.

    ``content`` is a comment, a status or a new title by ``kind``; ``before`` the old title; ``edits`` JSON, a value
    for each earlier wording that names who replaced it and when.
    """

    __tablename__ = "discussion_events"
    __table_args__ = (Index(None, "discussion_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[Serial]
    discussion_id: Mapped[int] = mapped_column(ForeignKey("discussions.id", ondelete="CASCADE"))
    kind: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    username: Mapped[str]
    at: Mapped[datetime]
    content: Mapped[str]
    before: Mapped[str | None]
    edits: Mapped[str]
    is_hidden: Mapped[bool]


class Announcements(Base):
    """Who is about to open a pull request, and may send its objects until then."""

    __tablename__ = "announcements"

    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    until: Mapped[datetime]


class AccessRequests(Base):
    """Who asked to read the content of a gated repo, and what became of it; one row for each user.

    ``fields`` is JSON: what they filled into the form, as it came.
    """

    __tablename__ = "access_requests"
    __table_args__ = (
        UniqueConstraint("repo_id", "user_id"),
        Index(None, "repo_id", "status", "id"),
        Index(None, "user_id", "status"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Serial]
    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    status: Mapped[str]
    asked_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    reason: Mapped[str | None]
    fields: Mapped[str]
    is_granted: Mapped[bool]
