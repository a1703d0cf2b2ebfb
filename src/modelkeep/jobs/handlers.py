"""The hub's jobs: what they do, and when they are made.

``deliver`` sends events to one webhook; ``tidy`` removes what is kept no longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol

import structlog

from modelkeep.domain.outbox import PING
from modelkeep.domain.webhooks import Delivery
from modelkeep.jobs.engine import Engine
from modelkeep.services.authentication import Authentication
from modelkeep.services.deliveries import Deliveries
from modelkeep.services.events import Events
from modelkeep.services.repos import Repos
from modelkeep.services.transfers import Transfers

_LOG = structlog.get_logger("jobs")

_BATCH = 50
_TIDY_AT = "23 * * * *"
_TIDY_AFTER_START = timedelta(minutes=1)
_KEEP_JOBS = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries for one webhook, to be sent one after the other by one job, from ``due_at`` on."""

    webhook_id: int
    ids: tuple[str, ...]
    due_at: datetime
    is_urgent: bool = False


class JobServices(Protocol):
    """What jobs need of the hub."""

    @property
    def authentication(self) -> Authentication:
        """From credentials to an actor."""

    @property
    def deliveries(self) -> Deliveries:
        """Events on their way to webhooks."""

    @property
    def events(self) -> Events:
        """The outbox."""

    @property
    def repos(self) -> Repos:
        """Repos."""

    @property
    def transfers(self) -> Transfers:
        """The bytes of LFS objects."""


class Jobs:
    """Makes and does the hub's jobs.

    Attributes:
        engine: What keeps them and calls the handlers.
    """

    def __init__(self, services: JobServices, database_url: str) -> None:
        self._services = services
        self.engine = Engine(database_url, {"deliver": self._deliver, "tidy": self._tidy}, {"tidy": _TIDY_AT})

    def tidy_soon(self) -> None:
        """Makes a job that tidies, for hubs that never run when it is time."""
        if "tidy" not in self.engine.busy_lines():
            self.engine.enqueue("tidy", "tidy", delay=_TIDY_AFTER_START)

    def deliver_new(self) -> bool:
        """Makes the jobs for the next new events, and for what is to be tried again; True where there may be more."""
        has_more = self._services.deliveries.fan_out()
        new = self._services.deliveries.unqueued()
        for batch in batches_of(new):
            line = f"{batch.webhook_id}{'!' if batch.is_urgent else ''}"
            delay = batch.due_at - datetime.now(UTC)
            values = (batch.webhook_id, list(batch.ids), batch.is_urgent)
            self.engine.enqueue("deliver", line, *values, delay=delay)
            self._services.deliveries.mark_queued(batch.ids)
        return has_more or bool(new)

    def recover(self, overdue: timedelta) -> None:
        """Lets jobs be made anew where the engine has lost theirs, such as when its database was not restored."""
        count = self._services.deliveries.recover(self._busy_webhooks, overdue)
        if count:
            _LOG.info("deliveries_recovered", count=count)

    def _busy_webhooks(self) -> set[int]:
        lines = (line.rstrip("!") for line in self.engine.busy_lines())
        return {int(line) for line in lines if line.isdigit()}

    def _deliver(self, webhook_id: int, ids: list[str], is_urgent: bool) -> None:
        self._services.deliveries.send(webhook_id, ids, is_urgent=is_urgent)

    def _tidy(self) -> None:
        counts = {
            "events": self._services.events.sweep(),
            "uploads": self._services.transfers.sweep_abandoned(),
            "failures": self._services.authentication.forget_failures(),
            "repos": len(self._services.repos.purge_expired()),
            "jobs": self.engine.forget(_KEEP_JOBS),
        }
        _LOG.info("tidied", **counts)


def batches_of(waiting: Iterable[Delivery]) -> Iterator[Batch]:
    """Puts deliveries together that one job can send; what somebody waits for goes by itself."""
    together: dict[tuple[int, datetime], list[str]] = {}
    for delivery in waiting:
        due_at = delivery.next_attempt_at or delivery.created_at
        if delivery.event_type == PING or delivery.replay_of is not None:
            yield Batch(delivery.webhook_id, (delivery.id,), due_at, is_urgent=True)
        else:
            together.setdefault((delivery.webhook_id, due_at), []).append(delivery.id)
    for (webhook_id, due_at), ids in together.items():
        rest = iter(ids)
        while some := tuple(islice(rest, _BATCH)):
            yield Batch(webhook_id, some, due_at)
