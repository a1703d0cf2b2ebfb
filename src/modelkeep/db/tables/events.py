"""Events for the outside: the outbox, webhooks and what was delivered to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, RepoId, Serial

JsonColumn = dict[str, Any]
Texts = list[str]


class OutboxEvents(Base):
    """The stream of events. It refers to nothing by foreign key, because it outlives what it speaks about."""

    __tablename__ = "outbox_events"
    __table_args__ = (
        Index(None, "repo_id", "sequence"),
        Index(None, "namespace_id", "sequence"),
        Index(None, "at"),
        {"sqlite_autoincrement": True},
    )

    sequence: Mapped[Serial]
    id: Mapped[str] = mapped_column(unique=True)
    type: Mapped[str]
    at: Mapped[datetime]
    repo: Mapped[str | None]
    repo_id: Mapped[str | None]
    namespace_id: Mapped[int | None]
    actor: Mapped[str]
    data: Mapped[JsonColumn] = mapped_column(JSON)


class Webhooks(Base):
    """Who is told: of a repo, or (without ``repo_id``) of all repos of a namespace.

    ``secret`` and ``old_secret`` are encrypted. ``after_sequence`` is the end of the stream when it was made,
    ``job_at`` when the engine's next job for it begins.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        Index(None, "repo_id"),
        Index(None, "namespace_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Serial]
    repo_id: Mapped[RepoId | None] = mapped_column(ForeignKey("repos.id", ondelete="CASCADE"))
    namespace_id: Mapped[int | None] = mapped_column(ForeignKey("namespaces.id", ondelete="CASCADE"))
    url: Mapped[str]
    description: Mapped[str]
    events: Mapped[Texts] = mapped_column(JSON)
    artifacts: Mapped[Texts] = mapped_column(JSON)
    stages: Mapped[Texts] = mapped_column(JSON)
    is_active: Mapped[bool]
    secret: Mapped[bytes]
    old_secret: Mapped[bytes | None]
    old_secret_until: Mapped[datetime | None]
    after_sequence: Mapped[int]
    failing_since: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    job_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class Deliveries(Base):
    """An event for one webhook: what is sent, whether it has arrived, when it is tried next."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index(None, "webhook_id", "number"),
        Index(
            "uq_deliveries_first",
            "webhook_id",
            "event_id",
            unique=True,
            sqlite_where=text("replay_of IS NULL"),
            postgresql_where=text("replay_of IS NULL"),
        ),
        Index(
            "ix_deliveries_pending",
            "webhook_id",
            "next_attempt_at",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(None, "created_at"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[Serial]
    id: Mapped[str] = mapped_column(unique=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    event_id: Mapped[str]
    event_type: Mapped[str]
    body: Mapped[str]
    replay_of: Mapped[str | None]
    state: Mapped[str]
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime | None]
    last_status: Mapped[int | None]


class DeliveryAttempts(Base):
    """One request of a delivery, and what became of it."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (Index(None, "delivery_number", "number"), {"sqlite_autoincrement": True})

    number: Mapped[Serial]
    delivery_number: Mapped[int] = mapped_column(ForeignKey("deliveries.number", ondelete="CASCADE"))
    at: Mapped[datetime]
    milliseconds: Mapped[int]
    request_headers: Mapped[JsonColumn] = mapped_column(JSON)
    status: Mapped[int | None]
    headers: Mapped[JsonColumn] = mapped_column(JSON)
    body: Mapped[str]
    error: Mapped[str | None]
