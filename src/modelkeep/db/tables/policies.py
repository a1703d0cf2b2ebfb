"""Policies of organisations, verdicts of checks, promotion requests and their reviews."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, RepoId, Serial


class OrganisationPolicies(Base):
    """The text that an organisation's owners wrote."""

    __tablename__ = "organisation_policies"

    namespace_id: Mapped[int] = mapped_column(
        ForeignKey("namespaces.id", ondelete="CASCADE"), primary_key=True
    )
    text: Mapped[str]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]


class VersionChecks(Base):
    """Verdicts about versions, recorded from outside; the last one of a user counts. Rows are only added."""

    __tablename__ = "version_checks"
    __table_args__ = (
        Index(None, "repo_id", "commit_id", "artifact", "name", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Serial]
    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"))
    artifact: Mapped[str]
    commit_id: Mapped[str]
    name: Mapped[str]
    verdict: Mapped[str]
    summary: Mapped[str]
    url: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    username: Mapped[str]
    at: Mapped[datetime]


class PromotionRequests(Base):
    """Requests to promote a version; of each version and stage at most one is open or approved."""

    __tablename__ = "promotion_requests"
    __table_args__ = (
        UniqueConstraint("repo_id", "number"),
        Index(
            "uq_promotion_requests_live",
            "repo_id",
            "artifact",
            "stage",
            "commit_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(None, "state", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Serial]
    repo_id: Mapped[RepoId] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"))
    number: Mapped[int]
    artifact: Mapped[str]
    version: Mapped[str]
    commit_id: Mapped[str]
    stage: Mapped[str]
    state: Mapped[str]
    proposer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    proposer: Mapped[str]
    message: Mapped[str]
    policy_digest: Mapped[str | None]
    previous: Mapped[str | None]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    tag: Mapped[str | None]
    reason: Mapped[str | None]


class PromotionReviews(Base):
    """The last word of each reviewer."""

    __tablename__ = "promotion_reviews"

    request_id: Mapped[int] = mapped_column(
        ForeignKey("promotion_requests.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    username: Mapped[str]
    verdict: Mapped[str]
    comment: Mapped[str]
    at: Mapped[datetime]
