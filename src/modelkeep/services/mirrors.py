"""Which namespaces are mirrors; :mod:`modelkeep.services.pulling` fills them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from modelkeep.db import mirrors
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.accounts import Namespace
from modelkeep.domain.errors import NotFound, Unauthenticated
from modelkeep.domain.imports import Choice
from modelkeep.domain.mirrors import Mirror, parse_freshness, parse_kinds, parse_source_namespace
from modelkeep.identity.sealing import Sealer
from modelkeep.outbound.hub_client import HubClient, check_token
from modelkeep.services.access import find_namespace
from modelkeep.services.audit import record
from modelkeep.services.ports import Rules, Stores

_REMEMBER_NAMES = 30.0
"""Seconds after which another process's changes are seen."""


@dataclass(frozen=True, slots=True)
class MirrorOfNamespace:
    """A mirror with the namespace that it fills."""

    value: Mirror
    namespace: Namespace


class Mirrors:
    """The mirrors of the hub.

    Args:
        stores: The database.
        rules: Which hub is meant where none is named.
        client: Judges the URLs of other hubs.
        sealer: Keeps tokens of other hubs; the same as for imports.
    """

    def __init__(self, stores: Stores, rules: Rules, client: HubClient, sealer: Sealer) -> None:
        self._stores = stores
        self._rules = rules
        self._client = client
        self._sealer = sealer
        self._lock = Lock()
        self._names: frozenset[str] | None = None
        self._read_at = 0.0
        self._generation = 0

    def names(self) -> frozenset[str] | None:
        """The folded names of all mirrors, from memory: cheap enough for every request; None if they must be read."""
        with self._lock:
            return self._names if time.monotonic() - self._read_at < _REMEMBER_NAMES else None

    def read_names(self) -> frozenset[str]:
        """Reads those names, and keeps them for at most half a minute."""
        with self._lock:
            generation = self._generation
        with self._stores.database.read() as tx:
            found = mirrors.mirrored_names(tx)
        with self._lock:
            if generation == self._generation:
                self._names, self._read_at = found, time.monotonic()
        return found

    def get(self, actor: Actor, namespace: str) -> MirrorOfNamespace:
        """What a namespace is a mirror of, for its members.

        Raises:
            NotFound: It is none, or there is no such namespace for this actor.
        """
        with self._stores.database.read() as tx:
            place = find_namespace(tx, actor, namespace, Action.READ).namespace
            found = mirrors.mirror_of(tx, place.id)
        if found is None:
            raise NotFound(f"'{place.name}' is no mirror.", code="mirror_not_found")
        return MirrorOfNamespace(found, place)

    def set(
        self,
        actor: Actor,
        namespace: str,
        *,
        endpoint: str | None = None,
        source: str | None = None,
        token: str | None = None,
        fresh_for: int | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        kinds: Sequence[str] = (),
    ) -> MirrorOfNamespace:
        """Makes a namespace a mirror, in place of what it was before. What is in it already stays as it is.

        Args:
            actor: Needs to own the namespace. Imports that it leads to act with this user's rights of then.
            namespace: An organisation, or the actor's own.
            endpoint: The URL of the other hub; None for the usual one.
            source: The namespace there; None for the same name.
            token: Opens the source; None to keep the one that was given for the very same source.
            fresh_for: Seconds for which a repo is not compared with its source again.
            include: Patterns of files to take; all without any.
            exclude: Patterns of files to leave out.
            kinds: ``model``, ``dataset``; both without any.

        Raises:
            InvalidInput: One of them cannot be right.
            NotPermitted: The actor does not own the namespace.
        """
        if actor.user_id is None:
            raise Unauthenticated("Sign in first: a mirror's imports act with the rights of whoever set it.")
        freshness, choice = parse_freshness(fresh_for), Choice.parse(include, exclude)
        chosen = parse_kinds(kinds)
        sealed = self._sealer.seal(check_token(token).encode()) if token is not None else None
        url = self._client.endpoint(endpoint or self._rules.import_endpoint)
        with self._stores.database.write() as tx:
            place = find_namespace(tx, actor, namespace, Action.ADMINISTER).namespace
            name = parse_source_namespace(source or place.name)
            known = mirrors.mirror_of(tx, place.id)
            if sealed is None and known is not None and (known.endpoint, known.source) == (url, name):
                sealed = mirrors.token_of_mirror(tx, place.id)
            mirrors.set_mirror(
                tx,
                place.id,
                endpoint=url,
                source=name,
                token=sealed,
                fresh_for=freshness,
                choice=choice,
                kinds=chosen,
                set_by=actor,
                now=self._stores.now(),
            )
            record(tx, actor, "mirror.set", place.name, namespace_id=place.id, endpoint=url, source=name)
        self._forget()
        return self.get(actor, namespace)

    def remove(self, actor: Actor, namespace: str) -> None:
        """Makes a namespace an ordinary one again, and forgets the token; its repos stay, and are no longer updated.

        Raises:
            NotFound: It is no mirror.
        """
        with self._stores.database.write() as tx:
            place = find_namespace(tx, actor, namespace, Action.ADMINISTER).namespace
            if not mirrors.remove_mirror(tx, place.id):
                raise NotFound(f"'{place.name}' is no mirror.", code="mirror_not_found")
            record(tx, actor, "mirror.remove", place.name, namespace_id=place.id)
        self._forget()

    def _forget(self) -> None:
        with self._lock:
            self._names = None
            self._generation += 1
