"""Gated repos: everybody who may read the repo sees what it is; its content is for those who asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from modelkeep.domain.errors import InvalidInput


class Gating(StrEnum):
    """How requests for access are answered: with yes at once, or by somebody who may administer the repo."""

    AUTO = "auto"
    MANUAL = "manual"

    @classmethod
    def parse(cls, value: object) -> Gating | None:
        """Reads a setting: ``auto``, ``manual``, or (``false``, ``off``, nothing) None for a repo that is not gated.

        Raises:
            InvalidInput: It is something else.
        """
        if value is None or value is False or value in ("", "false", "False", "off"):
            return None
        for one in cls:
            if value == one.value:
                return one
        raise InvalidInput("'gated' is 'auto', 'manual' or false.", code="invalid_gating")


class AccessStatus(StrEnum):
    """What became of a request for access."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"

    @classmethod
    def parse(cls, text: object) -> AccessStatus:
        """Reads a status.

        Raises:
            InvalidInput: There is no such status.
        """
        for one in cls:
            if text == one.value:
                return one
        raise InvalidInput(
            f"A request for access is {', '.join(cls)}; not {str(text)[:40]!r}.", code="invalid_access_status"
        )


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """A request for access.

    Attributes:
        id: Within the hub.
        user_id: Who wants it.
        username: Their name.
        full_name: May be empty.
        email: May be empty.
        status: What became of it.
        asked_at: When it was made.
        decided_at: When somebody last said yes or no.
        decided_by: Who did.
        reason: Why not.
        fields: What they filled into the form.
        is_granted: Whether nobody asked: access was given unasked.
    """

    id: int
    user_id: int
    username: str
    full_name: str
    email: str
    status: AccessStatus
    asked_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    fields: dict[str, str]
    is_granted: bool
