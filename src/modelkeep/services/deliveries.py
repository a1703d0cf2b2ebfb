"""Deliveries of events to webhooks: who gets which, one attempt after the other, and the log of all of them.

A job engine decides when :meth:`Deliveries.send_due` is called; what has been attempted is known here. Each event has
one delivery for each webhook, made in the transaction that moves the outbox's cursor past the event. A crash may
repeat a request, with the same id; it can neither lose one nor make up a second id.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from modelkeep import __version__
from modelkeep.db import deliveries, hub, outbox, repos, webhooks
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.errors import ModelkeepError, NotFound
from modelkeep.domain.outbox import FOUND_BY_HUB, PING, OutboxEvent
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.webhooks import GONE, Attempt, Delivery, DeliveryState, Webhook, next_delay
from modelkeep.identity import webhook_signatures
from modelkeep.identity.sealing import Sealer
from modelkeep.outbound.sender import Reply, Sender
from modelkeep.services.audit import record
from modelkeep.services.ports import Rules, Stores
from modelkeep.services.turns import Turns
from modelkeep.services.webhooks import Owner, find_webhook

_CURSOR = "outbox_cursor"
_EVENTS_AT_ONCE = 500
_SENT_AT_ONCE = 50
_MOST_OF_ONE = 8
"""Jobs at once that send to webhooks of one user, a quarter of all: receivers that hang must not take all."""
_MOST_AWAY = 4
"""The same for receivers that were away when last asked: others do not wait for their turns."""
_ASK_AGAIN = timedelta(seconds=5)
_LONGEST_JOB = timedelta(seconds=30)
_REDACTED = frozenset({"set-cookie", "authorization", "proxy-authorization", "www-authenticate"})
_HUB = Actor(None, FOUND_BY_HUB, is_hub_admin=True, door="webhook")


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """A delivery with all its attempts, oldest first."""

    delivery: Delivery
    attempts: Sequence[Attempt]


class Deliveries:
    """The deliveries of the hub.

    Args:
        stores: The database.
        rules: How often to try.
        sender: Sends requests.
        sealer: Opens webhooks' secrets.
        chance: A number from 0 to 1, which spreads retries.
    """

    def __init__(
        self,
        stores: Stores,
        rules: Rules,
        sender: Sender,
        sealer: Sealer,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._stores = stores
        self._rules = rules
        self._sender = sender
        self._sealer = sealer
        self._chance = chance
        self._turns = Turns()
        self._away: set[int] = set()
        self._postponed: dict[int, datetime] = {}

    def fan_out(self) -> bool:
        """Makes deliveries of the next events of the outbox; True where there may be more events."""
        with self._stores.database.read() as tx:
            if not webhooks.any_active(tx) or not outbox.events_after(tx, _cursor(tx), limit=1):
                return False
        now = self._stores.now()
        with self._stores.database.write() as tx:
            listening = webhooks.active_webhooks(tx)
            # Nobody hears of what came before the first of them was made: years may have gone by without a webhook.
            begin = max(_cursor(tx), min((one.after_sequence for one in listening), default=0))
            events = outbox.events_after(tx, begin, limit=_EVENTS_AT_ONCE)
            if not events:
                hub.set(tx, _CURSOR, str(begin))
                return False
            made = [
                _delivery(webhook.id, event.id, event.type, _body(event), now)
                for event in events
                for webhook in listening
                if webhook.hears(event)
            ]
            deliveries.add_deliveries(tx, made)
            hub.set(tx, _CURSOR, str(events[-1].sequence))
        return len(events) == _EVENTS_AT_ONCE

    def jobs_needed(self) -> Sequence[tuple[int, datetime]]:
        """The webhooks that need a job, and when it should begin: none has one that begins as early."""
        with self._stores.database.read() as tx:
            found = deliveries.waiting(tx)
        needed = [(one, self._not_before(one.webhook_id, _begin(one))) for one in found]
        return [(one.webhook_id, at) for one, at in needed if one.job_at is None or at < one.job_at]

    def job_made(self, webhook_id: int, at: datetime) -> None:
        """Notes that a job was made for a webhook, which begins then."""
        with self._stores.database.write() as tx:
            webhooks.update_webhook(tx, webhook_id, job_at=at)

    def recover(self, busy: Callable[[], set[int]], overdue: timedelta | None = None) -> Sequence[int]:
        """Lets jobs be made anew that the engine has lost; gives for which webhooks.

        Args:
            busy: Gives the webhooks that the engine has a job for.
            overdue: Look only at jobs that should have begun so long ago; None for all.
        """
        before = self._stores.now() - overdue if overdue is not None else None
        with self._stores.database.read() as tx:
            expected = webhooks.with_jobs(tx, before)
        lost = sorted(set(expected) - busy()) if expected else []
        if lost:
            with self._stores.database.write() as tx:
                for webhook_id in lost:
                    webhooks.update_webhook(tx, webhook_id, job_at=None)
        return lost

    def send_due(self, webhook_id: int) -> None:
        """Sends what is due to a webhook, oldest first, until nothing is. A job; no two for one webhook at once.

        Where the receiver is away, all the rest waits with the first that failed: it is not asked for each event anew,
        and order is kept. Where it merely refuses one event, the others go on. A job that has gone on for long ends,
        and so does one whose user has enough of them: another is needed then.
        """
        with self._stores.database.write() as tx:
            webhooks.update_webhook(tx, webhook_id, job_at=None)
            webhook = webhooks.webhook_by_id(tx, webhook_id)
        self._postponed.pop(webhook_id, None)
        if webhook is None:
            return
        with self._turn(webhook) as is_given:
            if is_given:
                until = self._stores.now() + _LONGEST_JOB
                while self._send_next(webhook_id, until):
                    pass
            else:
                self._postponed[webhook_id] = self._stores.now() + _ASK_AGAIN * (1 + self._chance())

    def _turn(self, webhook: Webhook) -> AbstractContextManager[bool]:
        if webhook.id in self._away:
            return self._turns.taken(f"{webhook.created_by}: away", _MOST_AWAY)
        return self._turns.taken(webhook.created_by, _MOST_OF_ONE)

    def _send_next(self, webhook_id: int, until: datetime) -> bool:
        """Sends the next few that are due; True where there may be more, and time for them."""
        now = self._stores.now()
        with self._stores.database.read() as tx:
            webhook = webhooks.webhook_by_id(tx, webhook_id)
            if webhook is None:
                return False
            is_paused = webhook.paused_until is not None and webhook.paused_until > now
            due = deliveries.due(tx, webhook_id, now, limit=_SENT_AT_ONCE, urgent_only=is_paused)
        for delivery in due:
            if self._stores.now() >= until:
                return False
            attempt = self._attempt(webhook, delivery)
            if attempt is None:
                return False  # the hub ends; what was not sent is found again at its start
            self._note(webhook.id, delivery, attempt)
            if attempt.is_receiver_away:
                self._away.add(webhook.id)
                break
            self._away.discard(webhook.id)
        return bool(due)

    def _not_before(self, webhook_id: int, at: datetime) -> datetime:
        return max(at, self._postponed.get(webhook_id, at))

    def list(
        self,
        actor: Actor,
        owner: Owner,
        webhook_id: int,
        page: PageRequest,
        state: DeliveryState | None = None,
    ) -> Page[Delivery]:
        """The deliveries of a webhook, newest first.

        Raises:
            NotFound: The owner has no such webhook.
        """
        with self._stores.database.read() as tx:
            _, webhook = find_webhook(tx, actor, owner, webhook_id)
            return deliveries.list_deliveries(tx, webhook.id, page, state)

    def get(self, actor: Actor, owner: Owner, webhook_id: int, delivery_id: str) -> LoggedDelivery:
        """A delivery with its attempts.

        Raises:
            NotFound: The webhook has no such delivery (any more).
        """
        with self._stores.database.read() as tx:
            delivery = self._find(tx, actor, owner, webhook_id, delivery_id)
            return LoggedDelivery(delivery, deliveries.attempts_of(tx, delivery.id))

    def replay(self, actor: Actor, owner: Owner, webhook_id: int, delivery_id: str) -> Delivery:
        """Sends the same event once more, with its id and a fresh timestamp, as a new delivery.

        Raises:
            NotFound: The webhook has no such delivery (any more).
        """
        with self._stores.database.write() as tx:
            before = self._find(tx, actor, owner, webhook_id, delivery_id)
            made = _delivery(
                before.webhook_id,
                before.event_id,
                before.event_type,
                before.body,
                self._stores.now(),
                replay_of=before.id,
            )
            deliveries.add_deliveries(tx, [made])
        return made

    def ping(self, actor: Actor, owner: Owner, webhook_id: int) -> Delivery:
        """Sends an event that says nothing, once, to try a webhook; also one that is switched off.

        Raises:
            NotFound: The owner has no such webhook.
        """
        now = self._stores.now()
        with self._stores.database.write() as tx:
            found, webhook = find_webhook(tx, actor, owner, webhook_id)
            event = OutboxEvent(
                sequence=0,
                id=str(uuid.uuid4()),
                type=PING,
                at=now,
                repo=str(found.repo.full_name) if found.repo else None,
                repo_id=webhook.repo_id,
                namespace_id=webhook.namespace_id,
                actor=actor.username,
                data={"webhook": webhook.id},
            )
            made = _delivery(webhook.id, event.id, PING, _body(event), now)
            deliveries.add_deliveries(tx, [made])
        return made

    def stop(self) -> None:
        """Breaks off what is being sent: the hub ends."""
        self._sender.close()

    def _find(
        self, tx: Transaction, actor: Actor, owner: Owner, webhook_id: int, delivery_id: str
    ) -> Delivery:
        _, webhook = find_webhook(tx, actor, owner, webhook_id)
        delivery = deliveries.delivery_by_id(tx, delivery_id)
        if delivery is None or delivery.webhook_id != webhook.id:
            raise NotFound(
                f"Webhook {webhook.id} has no delivery '{delivery_id[:40]}'; old ones are removed.",
                code="delivery_not_found",
            )
        return delivery

    def _attempt(self, webhook: Webhook, delivery: Delivery) -> Attempt | None:
        """Sends one request; None where the hub ends meanwhile."""
        begun, now = time.monotonic(), self._stores.now()
        headers = {
            "content-type": "application/json",
            "user-agent": f"Modelkeep/{__version__}",
            "webhook-id": delivery.event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "x-modelkeep-event": delivery.event_type,
            "x-modelkeep-delivery": delivery.id,
        }
        body = delivery.body.encode("utf-8")
        try:
            signatures = self._signatures(webhook, delivery, int(now.timestamp()), body)
        except ModelkeepError as error:
            reply = Reply(error=f"not sent: {error.message}")
        else:
            reply = self._sender.post(webhook.url, headers | {"webhook-signature": signatures}, body)
        if reply.is_stopped:
            return None
        return Attempt(
            at=now,
            milliseconds=int((time.monotonic() - begun) * 1000),
            request_headers=headers | {"webhook-signature": "(not kept)"},
            status=reply.status,
            headers={
                name: "(not kept)" if name in _REDACTED else value[:2000]
                for name, value in reply.headers.items()
            },
            body=reply.body.decode("utf-8", "replace"),
            error=reply.error,
        )

    def _signatures(self, webhook: Webhook, delivery: Delivery, timestamp: int, body: bytes) -> str:
        with self._stores.database.read() as tx:
            stored = webhooks.secrets_of(tx, webhook.id)
        if stored is None:
            raise NotFound("The webhook was removed.", code="webhook_not_found")
        sealed = [stored.present]
        if stored.old is not None and stored.old_until and stored.old_until > self._stores.now():
            sealed.append(stored.old)
        secrets = [self._sealer.open(one) for one in sealed]
        return " ".join(
            webhook_signatures.signature(one, delivery.event_id, timestamp, body) for one in secrets
        )

    def _note(self, webhook_id: int, delivery: Delivery, attempt: Attempt) -> None:
        """Writes down an attempt and what follows from it."""
        delays = () if delivery.event_type == PING else self._rules.webhook_retry_delays
        wait = None
        if not attempt.is_success and attempt.status != GONE:
            asked = _retry_after(attempt.headers, attempt.at)
            wait = next_delay(delivery.attempts + 1, delays, self._chance(), asked)
        now = self._stores.now()
        with self._stores.database.write() as tx:
            webhook = webhooks.webhook_by_id(tx, webhook_id)
            if webhook is None:
                return
            retry_at = now + wait if wait is not None and webhook.is_active else None
            state = DeliveryState.DELIVERED if attempt.is_success else DeliveryState.FAILED
            if retry_at is not None:
                state = DeliveryState.PENDING
            is_news = deliveries.record_attempt(tx, delivery, attempt, state, retry_at)
            if is_news and delivery.event_type != PING:
                self._note_health(tx, webhook, attempt, now, retry_at)

    def _note_health(
        self, tx: Transaction, webhook: Webhook, attempt: Attempt, now: datetime, retry_at: datetime | None
    ) -> None:
        if attempt.is_success:
            if webhook.failing_since is not None or webhook.paused_until is not None:
                webhooks.update_webhook(tx, webhook.id, failing_since=None, paused_until=None)
            return
        since = webhook.failing_since or now
        longest = timedelta(seconds=self._rules.webhook_retry_delays[-1])
        paused = (retry_at or now + longest) if attempt.is_receiver_away else webhook.paused_until
        webhooks.update_webhook(tx, webhook.id, failing_since=since, paused_until=paused)
        is_gone = attempt.status == GONE
        if webhook.is_active and (is_gone or now - since >= self._rules.webhook_off_after):
            webhooks.update_webhook(tx, webhook.id, is_active=False)
            deliveries.give_up(tx, webhook.id)
            repo = repos.repo_by_id(tx, webhook.repo_id) if webhook.repo_id else None
            record(
                tx,
                _HUB,
                "webhook.off",
                f"{repo.full_name if repo else ''} {webhook.id}".strip(),
                repo=repo,
                namespace_id=webhook.namespace_id,
                reason="gone" if is_gone else "failing",
            )


def _begin(waiting: deliveries.Waiting) -> datetime:
    """When a job for a webhook should begin: while it is paused only for what somebody waits for."""
    at = max(waiting.at, waiting.paused_until) if waiting.paused_until else waiting.at
    return min(at, waiting.urgent_at) if waiting.urgent_at else at


def _cursor(tx: Transaction) -> int:
    return int(hub.get(tx, _CURSOR) or 0)


def _body(event: OutboxEvent) -> str:
    return json.dumps(event.payload, ensure_ascii=False, separators=(",", ":"))


def _delivery(
    webhook_id: int, event_id: str, event_type: str, body: str, now: datetime, replay_of: str | None = None
) -> Delivery:
    return Delivery(
        id=str(uuid.uuid4()),
        webhook_id=webhook_id,
        event_id=event_id,
        event_type=event_type,
        body=body,
        replay_of=replay_of,
        state=DeliveryState.PENDING,
        attempts=0,
        created_at=now,
        next_attempt_at=now,
        last_status=None,
    )


def _retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """What the receiver asks for, in seconds (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return (parsedate_to_datetime(text) - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
