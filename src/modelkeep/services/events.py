"""Reading the outbox: the events of a repo, as a list and as a stream that goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from modelkeep.db import deliveries, outbox
from modelkeep.domain.access import Actor
from modelkeep.domain.outbox import OutboxEvent
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.services.access import find_repo, find_repo_by_id
from modelkeep.services.authentication import present_actor
from modelkeep.services.ports import Rules, Stores

STREAMED_AT_ONCE = 200
_ANNOUNCED_AT_ONCE = 1000


class Events:
    """The events of the hub."""

    def __init__(self, stores: Stores, rules: Rules) -> None:
        self._stores = stores
        self._rules = rules

    def list(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        page: PageRequest,
        *,
        after: int = 0,
        types: Sequence[str] = (),
    ) -> Page[OutboxEvent]:
        """The events of a repo that are still kept, oldest first.

        Args:
            actor: Must be able to read the repo.
            namespace: Of the repo.
            name: Of the repo.
            page: Which page.
            after: Only those behind this place in the stream.
            types: Only these; empty for all.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            return outbox.list_events(tx, page, repo.id, after=after, types=types)

    def open_stream(self, actor: Actor, namespace: str, name: str) -> tuple[str, int]:
        """Begins to follow a repo: its id, and where the stream of events ends now."""
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            return repo.id, outbox.last_sequence(tx)

    def next_of_stream(
        self, actor: Actor, repo_id: str, after: int, types: Sequence[str] = ()
    ) -> Sequence[OutboxEvent]:
        """The next events of a repo that is followed, with the rights of now.

        Raises:
            Unauthenticated: The token was revoked or has expired, or the user is disabled.
            NotFound: The repo is gone, or the actor may not see it any more.
        """
        with self._stores.database.read() as tx:
            if actor.user_id is not None:
                now = self._stores.now()
                actor = present_actor(tx, actor.user_id, actor.token_id, actor.address, actor.door, now)
            find_repo_by_id(tx, actor, repo_id)
            return outbox.events_after(tx, after, limit=STREAMED_AT_ONCE, repo_id=repo_id, types=types)

    def announced(self, after: int) -> tuple[int, set[str]]:
        """Where the stream ends (or the next thousand events do), and which repos it is about since ``after``."""
        with self._stores.database.read() as tx:
            return outbox.repos_since(tx, after, _ANNOUNCED_AT_ONCE)

    def last_sequence(self) -> int:
        """Where the stream ends now."""
        with self._stores.database.read() as tx:
            return outbox.last_sequence(tx)

    def heard_by(self, listener: Callable[[], None]) -> AbstractContextManager[None]:
        """Calls ``listener`` whenever this process added something; see :class:`modelkeep.db.bell.Bell`."""
        return self._stores.database.bell.heard_by(listener)

    def sweep(self) -> int:
        """Removes events that are kept no longer, and deliveries that are over; gives their count."""
        before = self._stores.now() - self._rules.keep_events
        with self._stores.database.write() as tx:
            return deliveries.sweep(tx, before) + outbox.sweep(tx, before)
