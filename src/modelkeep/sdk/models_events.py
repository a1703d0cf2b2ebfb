"""What the hub answers about events and webhooks, as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from modelkeep.sdk.wire import Record


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a repo, as webhooks get it.

    Attributes:
        id: A UUID, the same in every webhook and list.
        type: Such as ``version.registered`` or ``stage.assigned``.
        at: When.
        repo: The repo's full name then.
        actor: Who did it.
        data: What belongs to the type.
        sequence: Its place in the repo's events, to go on after; empty where the hub did not say.
    """

    id: str
    type: str
    at: datetime | None
    repo: str
    actor: str
    data: Mapping[str, object] = field(default_factory=dict)
    sequence: str = ""

    @classmethod
    def read(cls, record: Record, sequence: str = "") -> Event:
        """Reads it from an answer."""
        return cls(
            id=record.text("id"),
            type=record.text("type"),
            at=record.optional_time("at"),
            repo=record.text("repo", ""),
            actor=record.text("actor", ""),
            data=record.mapping("data"),
            sequence=sequence or str(record.value("sequence") or ""),
        )


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where events are sent, and which.

    ``secret`` is given once, at creation and rotation, and empty otherwise.
    """

    id: str
    url: str
    events: tuple[str, ...]
    artifacts: tuple[str, ...]
    stages: tuple[str, ...]
    is_active: bool
    description: str
    created_at: datetime | None
    created_by: str
    last_delivery: Mapping[str, object] | None = None
    secret: str = ""
    failing_since: datetime | None = None

    @classmethod
    def read(cls, record: Record) -> Webhook:
        """Reads it from an answer."""
        return cls(
            id=str(record.value("id")),
            url=record.text("url"),
            events=record.texts("events"),
            artifacts=record.texts("artifacts"),
            stages=record.texts("stages"),
            is_active=record.boolean("is_active", default=True),
            description=record.text("description", ""),
            created_at=record.optional_time("created_at"),
            created_by=record.text("created_by", ""),
            last_delivery=record.mapping("last_delivery") or None,
            secret=record.text("secret", ""),
            failing_since=record.optional_time("failing_since"),
        )

    def __repr__(self) -> str:
        return f"Webhook(id={self.id!r}, url={self.url!r}, is_active={self.is_active})"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery: what the receiver answered, or the error."""

    at: datetime | None
    status: int | None
    headers: Mapping[str, object]
    body: str
    error: str | None
    seconds: float | None

    @classmethod
    def read(cls, record: Record) -> Attempt:
        """Reads it from an answer."""
        seconds = record.value("seconds")
        return cls(
            at=record.optional_time("at"),
            status=record.optional_integer("status"),
            headers=record.mapping("headers"),
            body=record.text("body", ""),
            error=record.optional_text("error"),
            seconds=float(seconds) if isinstance(seconds, (int, float)) else None,
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a webhook: ``state`` is pending, delivered or failed.

    ``request`` and ``tries`` are there when one delivery was asked for; ``attempts`` counts the tries.
    """

    id: str
    event_id: str
    event_type: str
    state: str
    attempts: int
    created_at: datetime | None
    next_attempt_at: datetime | None
    last_status: int | None
    replay_of: str | None
    request: Mapping[str, object] | None = None
    tries: tuple[Attempt, ...] = ()

    @classmethod
    def read(cls, record: Record) -> Delivery:
        """Reads it from an answer; there ``attempts`` is a number in lists and a list for one delivery."""
        attempts = record.value("attempts")
        tries = tuple(map(Attempt.read, record.records("attempts"))) if isinstance(attempts, list) else ()
        replay = record.value("replay_of")
        return cls(
            id=str(record.value("id")),
            event_id=record.text("event_id", ""),
            event_type=record.text("event_type", ""),
            state=record.text("state", ""),
            attempts=len(tries) if isinstance(attempts, list) else record.optional_integer("attempts") or 0,
            created_at=record.optional_time("created_at"),
            next_attempt_at=record.optional_time("next_attempt_at"),
            last_status=record.optional_integer("last_status"),
            replay_of=None if replay is None else str(replay),
            request=record.mapping("request") or None,
            tries=tries,
        )
