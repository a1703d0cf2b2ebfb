"""Webhooks: who is told of events, under which secret. For those who may configure the repo or own the namespace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from modelkeep.db import deliveries, outbox, webhooks
from modelkeep.db.transaction import Transaction
from modelkeep.db.webhooks import Place
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.repos import Repo
from modelkeep.domain.webhooks import Delivery, EventFilter, Webhook
from modelkeep.identity import webhook_signatures
from modelkeep.identity.sealing import Sealer
from modelkeep.outbound.sender import Sender
from modelkeep.services.access import find_namespace, find_repo
from modelkeep.services.audit import record
from modelkeep.services.ports import Stores

OLD_SECRET_COUNTS = timedelta(hours=24)

_MOST_WEBHOOKS = 20
_LONGEST_DESCRIPTION = 500


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose webhooks: a repo's, or (without ``repo``) those of a user or an organisation."""

    namespace: str
    repo: str | None = None


@dataclass(frozen=True, slots=True)
class OwnedPlace:
    """The owner, found and permitted."""

    place: Place
    name: str
    repo: Repo | None


def find_place(tx: Transaction, actor: Actor, owner: Owner) -> OwnedPlace:
    """Finds a repo that the actor may configure, or a namespace that the actor owns.

    Raises:
        NotFound: There is none for this actor.
        NotPermitted: The role does not allow it.
    """
    if owner.repo is not None:
        repo = find_repo(tx, actor, owner.namespace, owner.repo, Action.CONFIGURE).repo
        return OwnedPlace(Place(repo_id=repo.id), str(repo.full_name), repo)
    namespace = find_namespace(tx, actor, owner.namespace, Action.ADMINISTER).namespace
    return OwnedPlace(Place(namespace_id=namespace.id), namespace.name, None)


def find_webhook(tx: Transaction, actor: Actor, owner: Owner, webhook_id: int) -> tuple[OwnedPlace, Webhook]:
    """Finds a webhook of an owner; see :func:`find_place`."""
    found = find_place(tx, actor, owner)
    webhook = webhooks.webhook_in(tx, found.place, webhook_id)
    if webhook is None:
        raise NotFound(f"{found.name} has no webhook {webhook_id}.", code="webhook_not_found")
    return found, webhook


class Webhooks:
    """The webhooks of repos and namespaces."""

    def __init__(self, stores: Stores, sender: Sender, sealer: Sealer) -> None:
        self._stores = stores
        self._sender = sender
        self._sealer = sealer

    def list(self, actor: Actor, owner: Owner, page: PageRequest) -> Page[tuple[Webhook, Delivery | None]]:
        """The webhooks of an owner, each with its last delivery."""
        with self._stores.database.read() as tx:
            place = find_place(tx, actor, owner).place
            last = deliveries.last_deliveries(tx, place)
            found = webhooks.list_webhooks(tx, place, page)
        return Page(tuple((one, last.get(one.id)) for one in found.items), found.next_cursor)

    def get(self, actor: Actor, owner: Owner, webhook_id: int) -> tuple[Webhook, Delivery | None]:
        """A webhook, with its last delivery.

        Raises:
            NotFound: The owner has no such webhook.
        """
        with self._stores.database.read() as tx:
            found, webhook = find_webhook(tx, actor, owner, webhook_id)
            return webhook, deliveries.last_deliveries(tx, found.place).get(webhook.id)

    def create(
        self,
        actor: Actor,
        owner: Owner,
        url: str,
        *,
        events: Sequence[str] = ("*",),
        artifacts: Sequence[str] = (),
        stages: Sequence[str] = (),
        description: str = "",
        is_active: bool = True,
    ) -> tuple[Webhook, str]:
        """Makes a webhook, which hears of what happens from now on; gives it with its secret, shown only here.

        Raises:
            InvalidInput: The URL cannot be used, a pattern will not do, or there are too many webhooks.
        """
        wanted = EventFilter.parse(events, artifacts, stages)
        _check_description(description)
        with self._stores.database.read() as tx:
            find_place(tx, actor, owner)
        self._sender.check(url)
        secret = webhook_signatures.new_secret()
        with self._stores.database.write() as tx:
            found = find_place(tx, actor, owner)
            if webhooks.count_webhooks(tx, found.place) >= _MOST_WEBHOOKS:
                raise InvalidInput(
                    f"{found.name} has {_MOST_WEBHOOKS} webhooks already; remove one first.",
                    code="too_many_webhooks",
                )
            webhook_id = webhooks.add_webhook(
                tx,
                found.place,
                url=url,
                description=description,
                wanted=wanted,
                is_active=is_active,
                secret=self._sealer.seal(secret),
                after_sequence=outbox.last_sequence(tx),
                created_by=actor.username,
                now=self._stores.now(),
            )
            self._record(tx, actor, "webhook.create", found, webhook_id, url)
            webhook = _required(webhooks.webhook_by_id(tx, webhook_id))
        return webhook, webhook_signatures.shown(secret)

    def update(
        self,
        actor: Actor,
        owner: Owner,
        webhook_id: int,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        artifacts: Sequence[str] | None = None,
        stages: Sequence[str] | None = None,
        description: str | None = None,
        is_active: bool | None = None,
    ) -> tuple[Webhook, Delivery | None]:
        """Changes a webhook; None leaves a value as it is. Switching one on lets it start anew.

        Raises:
            InvalidInput: The URL cannot be used, or a pattern will not do.
            NotFound: The owner has no such webhook.
        """
        _check_description(description or "")
        with self._stores.database.read() as tx:
            find_webhook(tx, actor, owner, webhook_id)
        if url is not None:
            self._sender.check(url)
        with self._stores.database.write() as tx:
            found, before = find_webhook(tx, actor, owner, webhook_id)
            given = {"url": url, "description": description, "is_active": is_active}
            values: dict[str, object] = {name: value for name, value in given.items() if value is not None}
            values["wanted"] = EventFilter.parse(
                before.filter.events if events is None else events,
                before.filter.artifacts if artifacts is None else artifacts,
                before.filter.stages if stages is None else stages,
            )
            if is_active and not before.is_active:
                values |= {"failing_since": None, "after_sequence": outbox.last_sequence(tx)}
            if url is not None or is_active is not None:
                values["paused_until"] = None
            webhooks.update_webhook(tx, webhook_id, **values)
            if is_active is False:
                deliveries.give_up(tx, webhook_id)
            self._record(tx, actor, "webhook.update", found, webhook_id, url or before.url)
        return self.get(actor, owner, webhook_id)

    def delete(self, actor: Actor, owner: Owner, webhook_id: int) -> None:
        """Removes a webhook with the log of its deliveries.

        Raises:
            NotFound: The owner has no such webhook.
        """
        with self._stores.database.write() as tx:
            found, webhook = find_webhook(tx, actor, owner, webhook_id)
            webhooks.remove_webhook(tx, webhook.id)
            self._record(tx, actor, "webhook.delete", found, webhook.id, webhook.url)

    def rotate(self, actor: Actor, owner: Owner, webhook_id: int) -> tuple[Webhook, str]:
        """Gives a webhook a new secret, shown only here. For a day requests carry a signature by the old one too.

        Raises:
            NotFound: The owner has no such webhook.
        """
        secret = webhook_signatures.new_secret()
        with self._stores.database.write() as tx:
            found, webhook = find_webhook(tx, actor, owner, webhook_id)
            before = webhooks.secrets_of(tx, webhook.id)
            webhooks.update_webhook(
                tx,
                webhook.id,
                secret=self._sealer.seal(secret),
                old_secret=before.present if before else None,
                old_secret_until=self._stores.now() + OLD_SECRET_COUNTS,
            )
            self._record(tx, actor, "webhook.rotate", found, webhook.id, webhook.url)
        return webhook, webhook_signatures.shown(secret)

    def _record(
        self, tx: Transaction, actor: Actor, action: str, found: OwnedPlace, webhook_id: int, url: str
    ) -> None:
        # Only the host: paths of such addresses are often secrets.
        record(
            tx,
            actor,
            action,
            f"{found.name} {webhook_id}",
            repo=found.repo,
            namespace_id=found.place.namespace_id,
            host=urlsplit(url).hostname,
        )


def _check_description(text: str) -> None:
    if len(text) > _LONGEST_DESCRIPTION or "\0" in text:
        raise InvalidInput(
            f"A description has at most {_LONGEST_DESCRIPTION} characters and no NUL.", code="invalid_text"
        )


def _required(webhook: Webhook | None) -> Webhook:
    if webhook is None:  # pragma: no cover - it was added in this transaction
        raise NotFound("There is no such webhook.", code="webhook_not_found")
    return webhook
