"""Webhooks: whom to tell of which events, and when to try again."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.outbox import OutboxEvent, is_of, types_among

ANY = "*"

RETRY_DELAYS: tuple[float, ...] = (5, 30, 120, 600, 3600, 10_800, 28_800)
"""Seconds from one attempt to the next, unless the hub is set otherwise."""

LONGEST_RETRY_AFTER = 28_800.0

UNAVAILABLE = frozenset({429, 502, 503, 504})
"""Statuses that say something about the receiver, not about the event."""

GONE = 410

_MOST_PATTERNS = 50
_LONGEST_PATTERN = 200
_JITTER = 0.2


class DeliveryState(StrEnum):
    """Whether an event has arrived at a webhook: not yet, yes, or it is given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a webhook wants.

    Attributes:
        events: Types, or groups of them such as ``stage.*``, or ``*``.
        artifacts: Shell patterns; where there are any, only events about such an artifact.
        stages: The same for stages.
    """

    events: tuple[str, ...] = (ANY,)
    artifacts: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()

    @classmethod
    def parse(cls, events: Sequence[str], artifacts: Sequence[str], stages: Sequence[str]) -> EventFilter:
        """Checks what somebody wants.

        Raises:
            InvalidInput: An event is unknown, or a pattern is empty or too long, or there are too many.
        """
        if not events:
            raise InvalidInput(
                "A webhook without events is never called; name some, or '*' for all.", code="invalid_events"
            )
        types_among(events)
        for patterns in (events, artifacts, stages):
            if len(patterns) > _MOST_PATTERNS:
                raise InvalidInput(
                    f"A webhook has at most {_MOST_PATTERNS} patterns.", code="invalid_pattern"
                )
        for pattern in (*artifacts, *stages):
            if not 0 < len(pattern) <= _LONGEST_PATTERN or any(ord(c) < 33 for c in pattern):
                raise InvalidInput(
                    f"A pattern has 1 to {_LONGEST_PATTERN} characters and no blanks, such as 'models:*'.",
                    code="invalid_pattern",
                )
        return cls(tuple(events), tuple(artifacts), tuple(stages))

    def wants(self, event: OutboxEvent) -> bool:
        """Whether to tell of this event."""
        return (
            any(is_of(event.type, wanted) for wanted in self.events)
            and _fits(self.artifacts, event.artifact)
            and _fits(self.stages, event.stage)
        )


@dataclass(frozen=True, slots=True)
class Webhook:
    """Whom to tell: of the events of one repo, or of all repos of a namespace. Its secret is elsewhere.

    Attributes:
        id: Its number within the hub.
        repo_id: Of which repo; None for one of a namespace.
        namespace_id: Of which namespace; None for one of a repo.
        url: Where events are sent.
        description: What it is for.
        filter: Which events.
        is_active: False for one that is switched off, by somebody or after failing for long.
        after_sequence: It hears of what came later in the stream.
        failing_since: Since when every attempt has failed; None if the last one succeeded.
        paused_until: The receiver does not answer; before this nothing is sent.
        created_at: When it was made.
        created_by: By whom.
    """

    id: int
    repo_id: str | None
    namespace_id: int | None
    url: str
    description: str
    filter: EventFilter
    is_active: bool
    after_sequence: int
    failing_since: datetime | None
    paused_until: datetime | None
    created_at: datetime
    created_by: str

    def hears(self, event: OutboxEvent) -> bool:
        """Whether this event is for it."""
        if not self.is_active or event.sequence <= self.after_sequence:
            return False
        if self.repo_id is not None and event.repo_id != self.repo_id:
            return False
        if self.repo_id is None and event.namespace_id != self.namespace_id:
            return False
        return self.filter.wants(event)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to one webhook.

    ``event_id`` is the same in every delivery of an event, replays included: receivers recognise repetitions by it.
    """

    id: str
    webhook_id: int
    event_id: str
    event_type: str
    body: str
    replay_of: str | None
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    last_status: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of a delivery and what came back: a status, or the reason why there was none."""

    at: datetime
    milliseconds: int
    request_headers: dict[str, str]
    status: int | None
    headers: dict[str, str]
    body: str
    error: str | None

    @property
    def is_success(self) -> bool:
        """Whether the receiver took it."""
        return self.error is None and self.status is not None and 200 <= self.status < 300

    @property
    def is_receiver_away(self) -> bool:
        """Whether the receiver could not be reached or takes nothing now: other events would fare the same."""
        return self.status is None or self.status in UNAVAILABLE


def next_delay(
    attempts: int, delays: Sequence[float], chance: float, retry_after: float | None = None
) -> timedelta | None:
    """How long to wait after this many failed attempts; None to give up.

    Args:
        attempts: How many there were, at least one.
        delays: The waits between attempts, in seconds.
        chance: From 0 to 1; spreads the waits by a fifth either way, lest all come at once.
        retry_after: What the receiver asked for, in seconds; honoured up to eight hours.
    """
    if attempts > len(delays):
        return None
    wait = delays[attempts - 1] * (1 - _JITTER + 2 * _JITTER * chance)
    return timedelta(seconds=max(wait, min(retry_after or 0.0, LONGEST_RETRY_AFTER)))


def _fits(patterns: Sequence[str], value: str | None) -> bool:
    return not patterns or (
        value is not None and any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)
    )
