"""Gated repos and requests for access, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelkeep.sdk.wire import Record


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """A request for access to a gated repo; ``status`` is ``pending``, ``accepted`` or ``rejected``."""

    user: str
    full_name: str
    email: str | None
    status: str
    asked_at: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    fields: dict[str, str]

    @classmethod
    def read(cls, record: Record) -> AccessRequest:
        """Reads it from an answer."""
        return cls(
            user=record.text("user"),
            full_name=record.text("full_name", ""),
            email=record.optional_text("email"),
            status=record.text("status"),
            asked_at=record.optional_time("asked_at"),
            decided_at=record.optional_time("decided_at"),
            decided_by=record.optional_text("decided_by"),
            reason=record.optional_text("reason"),
            fields=record.text_map("fields"),
        )


@dataclass(frozen=True, slots=True)
class Access:
    """Whether the caller may read a repo's content; ``gated`` is ``auto``, ``manual``, or None for an open repo."""

    gated: str | None
    has_access: bool
    request: AccessRequest | None

    @classmethod
    def read(cls, record: Record) -> Access:
        """Reads it from an answer."""
        request = record.optional_record("request")
        return cls(
            gated=record.optional_text("gated"),
            has_access=record.boolean("has_access", default=True),
            request=AccessRequest.read(request) if request is not None else None,
        )
