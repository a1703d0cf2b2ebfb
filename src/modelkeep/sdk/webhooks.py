"""Webhooks of a repo or an organisation, and what was sent to them."""

from __future__ import annotations

from collections.abc import Sequence

from modelkeep.sdk.addresses import api_path
from modelkeep.sdk.handle import given
from modelkeep.sdk.http import Connection, Json
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.models_events import Delivery, Webhook
from modelkeep.sdk.wire import Record


class Webhooks:
    """``repo.webhooks`` and ``hub.orgs.webhooks(name)``.

    Args:
        connection: To the hub.
        owner: The path segments of the repo or the organisation.
    """

    def __init__(self, connection: Connection, *owner: str) -> None:
        self._connection = connection
        self._owner = owner

    def __repr__(self) -> str:
        return f"Webhooks({'/'.join(self._owner[1:])!r})"

    def list(self) -> Listing[Webhook]:
        """All of them, without their secrets."""
        columns = ("id", "url", "events", "is_active", "description")
        return Listing(self._connection, self._path(), Webhook.read, columns=columns)

    def get(self, webhook: str) -> Webhook:
        """One of them, by its id."""
        return Webhook.read(self._connection.get(self._path(webhook)))

    def create(
        self,
        url: str,
        *,
        events: Sequence[str] = ("*",),
        artifacts: Sequence[str] = (),
        stages: Sequence[str] = (),
        description: str = "",
        is_active: bool = True,
    ) -> Webhook:
        """Makes a webhook; its ``secret`` is in the answer, now and never again.

        Args:
            url: Where events are POSTed.
            events: Types such as ``stage.assigned``; ``*`` for all.
            artifacts: Patterns of the artifacts that are meant; all without one.
            stages: Patterns of the stages that are meant; all without one.
            description: What it is for.
            is_active: Whether it begins at once.
        """
        body: dict[str, Json] = {"url": url, "events": [*events], "is_active": is_active}
        if artifacts:
            body["artifacts"] = [*artifacts]
        if stages:
            body["stages"] = [*stages]
        if description:
            body["description"] = description
        return Webhook.read(self._connection.post(self._path(), body))

    def update(
        self,
        webhook: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        artifacts: Sequence[str] | None = None,
        stages: Sequence[str] | None = None,
        description: str | None = None,
        is_active: bool | None = None,
    ) -> Webhook:
        """Changes what is given and leaves the rest."""
        lists = {"events": events, "artifacts": artifacts, "stages": stages}
        body = given(url=url, description=description, is_active=is_active)
        body |= {name: [*value] for name, value in lists.items() if value is not None}
        path = self._path(webhook)
        return Webhook.read(Record.parse(self._connection.send("PATCH", path, body=body), path))

    def remove(self, webhook: str) -> None:
        """Removes it; what waits to be sent is not sent any more."""
        self._connection.send("DELETE", self._path(webhook))

    def rotate(self, webhook: str) -> Webhook:
        """Gives it a new ``secret``, which is in the answer, now and never again."""
        return Webhook.read(self._connection.post(self._path(webhook, "rotate"), {}))

    def ping(self, webhook: str) -> Delivery:
        """Sends it a test event."""
        return Delivery.read(self._connection.post(self._path(webhook, "ping"), {}))

    def deliveries(self, webhook: str, *, state: str | None = None) -> Listing[Delivery]:
        """What was sent to it, the latest first; only ``pending``, ``delivered`` or ``failed`` ones."""
        columns = ("id", "event_type", "state", "attempts", "last_status", "created_at")
        path = self._path(webhook, "deliveries")
        return Listing(self._connection, path, Delivery.read, {"state": state}, columns=columns)

    def delivery(self, webhook: str, delivery: str) -> Delivery:
        """One delivery with what was sent and what came back, in ``request`` and ``tries``."""
        return Delivery.read(self._connection.get(self._path(webhook, "deliveries", delivery)))

    def replay(self, webhook: str, delivery: str) -> Delivery:
        """Sends the same event again, as a new delivery."""
        path = self._path(webhook, "deliveries", delivery, "replay")
        return Delivery.read(self._connection.post(path, {}))

    def _path(self, *segments: str) -> str:
        return api_path(*self._owner, "webhooks", *segments)
