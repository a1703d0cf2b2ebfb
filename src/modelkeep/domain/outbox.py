"""What the hub tells the outside: an event for every change, with what receivers need to act on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from modelkeep.domain.artifacts import Json
from modelkeep.domain.errors import InvalidInput

REGISTRY_TYPES: tuple[str, ...] = (
    "version.registered",
    "version.deregistered",
    "artifact.deprecated",
    "stage.assigned",
    "stage.unassigned",
)
"""What follows from a new registry tag."""

EVENT_TYPES: tuple[str, ...] = (
    *REGISTRY_TYPES,
    "artifact.annotated",
    "ref.updated",
    "repo.created",
    "repo.updated",
    "repo.moved",
    "repo.deleted",
    "repo.restored",
    "promotion.proposed",
    "promotion.approved",
    "promotion.rejected",
    "promotion.withdrawn",
    "promotion.completed",
)
"""Everything that an outbox event can be about."""

PING = "ping"
"""What a webhook is tried with; not an event of the outbox."""

FOUND_BY_HUB = "hub"
"""The actor of what the hub found changed by itself (after a crash); no user can have this name."""


@dataclass(frozen=True, slots=True)
class NewOutboxEvent:
    """An event before it has its place in the stream.

    Attributes:
        id: A UUID; what receivers recognise a repetition by.
        type: One of :data:`EVENT_TYPES`.
        at: When the hub saw the change.
        repo: ``namespace/name`` as it was then; None where no repo is concerned.
        repo_id: Its id.
        namespace_id: The namespace that the event belongs to.
        actor: The name of who made the change, :data:`FOUND_BY_HUB` where nobody knows.
        data: What changed, by type (docs/reference/events.md).
    """

    id: str
    type: str
    at: datetime
    repo: str | None
    repo_id: str | None
    namespace_id: int | None
    actor: str
    data: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """An event of the stream; ``sequence`` grows, and nobody sees a smaller one later than a greater one."""

    sequence: int
    id: str
    type: str
    at: datetime
    repo: str | None
    repo_id: str | None
    namespace_id: int | None
    actor: str
    data: Mapping[str, Json]

    @property
    def artifact(self) -> str | None:
        """The artifact that it is about, if any."""
        return _text(self.data.get("name", self.data.get("artifact")))

    @property
    def stage(self) -> str | None:
        """The stage that it is about, if any."""
        return _text(self.data.get("stage"))

    @property
    def payload(self) -> dict[str, Json]:
        """What receivers get, as JSON."""
        return {
            "id": self.id,
            "type": self.type,
            "at": self.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "repo": self.repo,
            "actor": self.actor,
            "data": dict(self.data),
        }


def is_of(kind: str, wanted: str) -> bool:
    """Whether a type is the one wanted, or of the group (``stage.*``, ``*``)."""
    return wanted in ("*", kind) or (wanted.endswith(".*") and kind.startswith(wanted[:-1]))


def types_among(wanted: Sequence[str]) -> tuple[str, ...]:
    """The types that are wanted, groups resolved; none for all.

    Raises:
        InvalidInput: There is no such type or group.
    """
    for one in wanted:
        if not any(is_of(kind, one) for kind in EVENT_TYPES):
            raise InvalidInput(
                f"{one[:60]!r} is no event; choose from {', '.join(EVENT_TYPES)}, a group such as 'stage.*', or '*'.",
                code="invalid_events",
            )
    return tuple(kind for kind in EVENT_TYPES if any(is_of(kind, one) for one in wanted))


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None
