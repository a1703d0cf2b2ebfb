"""Pull-through: a repo of a mirror that is not here is imported when somebody who may make it asks for it.

What is here is served as it is, whether or not the source answers; once in a while it is compared in the background.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable
from enum import StrEnum
from threading import Lock

from modelkeep.db import imports, mirrors, namespaces, repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor, Visibility
from modelkeep.domain.errors import (
    InvalidInput,
    NotFound,
    NotPermitted,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from modelkeep.domain.imports import Import, ImportState
from modelkeep.domain.mirrors import Mirror, follows, hub_name
from modelkeep.domain.names import fold, parse_repo
from modelkeep.domain.repos import Repo, RepoKind, place_of
from modelkeep.git import refs
from modelkeep.identity.sealing import Sealer
from modelkeep.outbound.hub_client import HubClient
from modelkeep.services.access import find_namespace, find_repo
from modelkeep.services.audit import record
from modelkeep.services.authentication import present_actor
from modelkeep.services.imports import Imports
from modelkeep.services.outbox import emit
from modelkeep.services.ports import Stores

MOST_WAITING = 16
"""Repos of one namespace that may wait for the end of their first import."""

_ASK_SECONDS = 8.0
_REMEMBER_ABSENT = 60.0
_REMEMBER_AWAY = 10.0
_MOST_REMEMBERED = 10_000

Key = tuple[int, RepoKind, str]


class Standing(StrEnum):
    """How it stands with a repo of a mirror: what whoever asks for it is to do."""

    HERE = "here"
    """Answer as for any other repo, also if there is none."""
    STALE = "stale"
    """The same, and have it compared with its source."""
    ABSENT = "absent"
    """Have it fetched."""
    COMING = "coming"
    """Wait a little."""
    DELAYED = "delayed"
    """Come again later: the source did not answer, and will be asked again."""


class Pulling:
    """Fills mirrors.

    Args:
        stores: Where all goes.
        client: Reads other hubs.
        sealer: Opens their tokens; the same as for imports.
        imports: Begins imports.
    """

    def __init__(self, stores: Stores, client: HubClient, sealer: Sealer, begun: Imports) -> None:
        self._stores = stores
        self._client = client
        self._sealer = sealer
        self._imports = begun
        self._asking: set[Key] = set()
        self._lock = Lock()
        self._absent = _Absent()
        self.name = hub_name(stores.signer.derive("name among hubs"))

    def look(self, actor: Actor, place: str, name: str, revision: str | None) -> Standing:
        """How it stands with a repo, for this actor. Asks nobody else, and changes nothing.

        Strangers, and those who may not make repos in the namespace, are never told to have anything fetched.
        """
        kind, owner = place_of(place)
        with self._stores.database.read() as tx:
            mirror = _mirror_of(tx, owner)
            if mirror is None or kind not in mirror.kinds:
                return Standing.HERE
            try:
                repo = find_repo(tx, actor, place, name).repo
            except (NotFound, Unauthenticated):
                return self._look_for_absent(tx, actor, mirror, owner, kind, name)
            known = imports.import_of_repo(tx, repo.id)
            if fold(repo.name) != fold(name) or (known is not None and not mirror.fills(repo, known)):
                return Standing.HERE
            if known is None or known.result_commit is None:
                return self._look_at_unfilled(tx, actor, mirror, repo, known)
            is_stale = follows(revision) and mirror.is_stale(known, self._stores.now())
            return Standing.STALE if is_stale else Standing.HERE

    def fetch(self, actor: Actor, place: str, name: str, via: str) -> None:
        """Asks the source for a repo that is not here, and begins its import if the source has it, readable.

        Returns at once if somebody is asking for the same. That the source has nothing is remembered for a minute.

        Args:
            actor: May make repos in the namespace: :meth:`look` said so.
            place: The namespace, ``datasets/acme`` for a dataset.
            name: Of the repo.
            via: The hubs that ask through each other, this one among them.

        Raises:
            Unavailable: The source does not answer, or too many repos of the namespace are being fetched.
            NotPermitted: Whoever set the mirror may no longer make repos there.
        """
        kind, owner = place_of(place)
        with self._stores.database.read() as tx:
            find_namespace(tx, actor, owner, Action.CREATE_REPO)
            mirror = _mirror_of(tx, owner)
            if mirror is None or kind not in mirror.kinds:
                return
            is_full = mirrors.count_waiting(tx, mirror.namespace_id) >= MOST_WAITING
            left = repos.repo_by_name(tx, owner, name, kind, follow_aliases=False)
            known = imports.import_of_repo(tx, left.id) if left is not None else None
        key = (mirror.namespace_id, kind, fold(name))
        with self._lock:
            if key in self._asking:
                return
            self._asking.add(key)
        try:
            if known is not None:
                self.settle(known.id)
            elif left is None or self._is_empty(left):
                self._fetch(actor, mirror, kind, f"{place}/{name}", via, key, is_full=is_full)
        finally:
            with self._lock:
                self._asking.discard(key)

    def refresh(self, place: str, name: str) -> None:
        """Has a repo compared with its source in the background, in the name of whoever has set the mirror by now."""
        kind, owner = place_of(place)
        now = self._stores.now()
        with self._stores.database.write() as tx:
            mirror = _mirror_of(tx, owner)
            repo = repos.repo_by_name(tx, owner, name, kind)
            known = imports.import_of_repo(tx, repo.id) if repo is not None else None
            if mirror is None or repo is None or known is None or not mirror.fills(repo, known):
                return
            if not mirror.is_stale(known, now) or imports.has_job(tx, known.id):
                return
            if known.is_active:
                imports.update_import(tx, known.id, next_at=now + mirror.fresh_for)
                return
            imports.update_import(
                tx,
                known.id,
                state=str(ImportState.QUEUED),
                wanted_commit=None,
                next_at=now,
                failures=0,
                token=mirrors.token_of_mirror(tx, mirror.namespace_id),
                created_by=mirror.set_by,
                created_by_id=mirror.set_by_id,
            )

    def settle(self, import_id: int) -> None:
        """Removes the repo that a mirror made and could not fill: an import that ended without a commit.

        It can be restored, as any deleted repo. One that somebody has pushed to stays.
        """
        with self._stores.database.write() as tx:
            known = imports.import_by_id(tx, import_id)
            if known is None or known.state is not ImportState.FAILED or known.result_commit is not None:
                return
            repo = repos.repo_by_id(tx, known.repo_id)
            if repo is None or repo.deleted_at is not None or not self._is_empty(repo):
                return
            mirror = mirrors.mirror_of(tx, repo.namespace_id)
            if mirror is None or not mirror.fills(repo, known) or known.created_by_id != mirror.set_by_id:
                return
            now, actor = self._stores.now(), Actor(known.created_by_id, known.created_by, door="import")
            repos.mark_deleted(tx, repo.id, known.created_by_id, now)
            record(tx, actor, "repo.delete", str(repo.full_name), repo=repo, reason=known.error_code)
            emit(tx, now, "repo.deleted", {}, repo=repo, actor=actor.username)
        self._absent.remember((repo.namespace_id, repo.kind, fold(repo.name)), mirror, _REMEMBER_ABSENT)

    def _look_for_absent(
        self, tx: Transaction, actor: Actor, mirror: Mirror, owner: str, kind: RepoKind, name: str
    ) -> Standing:
        if not _may_make(tx, actor, owner) or not _is_name(name):
            return Standing.HERE
        if repos.repo_by_name(tx, owner, name, kind) is not None:
            return Standing.HERE  # it is there, and hidden from this actor
        if self._absent.has((mirror.namespace_id, kind, fold(name)), mirror):
            return Standing.HERE
        return Standing.ABSENT

    def _look_at_unfilled(
        self, tx: Transaction, actor: Actor, mirror: Mirror, repo: Repo, known: Import | None
    ) -> Standing:
        key = (mirror.namespace_id, repo.kind, fold(repo.name))
        if known is not None and known.is_active:
            return Standing.DELAYED if known.failures else Standing.COMING
        if known is None and self._is_asking(key):
            return Standing.COMING  # it was made this moment, its import is about to be
        if (known is not None and known.state is not ImportState.FAILED) or not self._is_empty(repo):
            return Standing.HERE
        # A crash came between the making of the repo and its import, or between that's failure and its removal.
        if not _may_make(tx, actor, repo.namespace) or self._absent.has(key, mirror):
            return Standing.HERE
        return Standing.ABSENT

    def _is_asking(self, key: Key) -> bool:
        with self._lock:
            return key in self._asking

    def _fetch(
        self, actor: Actor, mirror: Mirror, kind: RepoKind, target: str, via: str, key: Key, *, is_full: bool
    ) -> None:
        self._absent.require_awake(key, mirror)
        if is_full:
            raise Unavailable(
                f"{MOST_WAITING} repos are being fetched for this namespace; try again when some have come.",
                code="mirror_busy",
                retry_after=30,
            )
        with self._stores.database.read() as tx:
            sealed = mirrors.token_of_mirror(tx, mirror.namespace_id)
            setter = self._setter(tx, mirror)
        token = self._sealer.open(sealed).decode() if sealed is not None else None
        commit = self._ask(mirror, kind, target.rpartition("/")[2], token, via, key)
        if commit is None:
            return
        source = mirror.source_of(kind, target.rpartition("/")[2])
        try:
            made, _ = self._imports.create(
                setter,
                source.address,
                target=target,
                endpoint=mirror.endpoint,
                include=mirror.choice.include,
                exclude=mirror.choice.exclude,
                token=token,
                # What somebody's token has opened is not for everybody.
                visibility=Visibility.PRIVATE if token is not None else None,
                commit=commit,
            )
        except (NotPermitted, NotFound, Unauthenticated):
            raise _nobody(mirror) from None
        with self._stores.database.write() as tx:
            record(tx, actor, "mirror.fetch", str(made.repo.full_name), repo=made.repo, source=source.address)

    def _ask(
        self, mirror: Mirror, kind: RepoKind, name: str, token: str | None, via: str, key: Key
    ) -> str | None:
        """The source's commit; None, and remembered, if it has none, no wanted file, or does not give out files."""
        source = mirror.source_of(kind, name, token)
        try:
            with self._client.opened(source, via=via, seconds=_ASK_SECONDS) as remote:
                commit = remote.commit_of(None)
                wanted = [file for file in remote.files(commit) if mirror.choice.takes(file.path)]
                if wanted:
                    # Of a gated repo all is shown but the files.
                    smallest = min(wanted, key=lambda file: file.size)
                    with remote.open(commit, smallest.path) as pieces:
                        next(pieces, b"")
                    return commit
        except (NotFound, NotPermitted, InvalidInput):
            pass
        except (Unavailable, RateLimited) as error:
            self._absent.remember(key, mirror, _REMEMBER_AWAY, error.message)
            raise _away(error.message) from None
        self._absent.remember(key, mirror, _REMEMBER_ABSENT)
        return None

    def _setter(self, tx: Transaction, mirror: Mirror) -> Actor:
        if mirror.set_by_id is None:
            raise _nobody(mirror)
        try:
            return present_actor(tx, mirror.set_by_id, None, "", "import", self._stores.now())
        except Unauthenticated:
            raise _nobody(mirror) from None

    def _is_empty(self, repo: Repo) -> bool:
        return not refs.list_refs(self._stores.repositories.path(repo.id))


class _Absent:
    """What sources do not have, or how they failed to answer; forgets by itself, and when a mirror is set anew."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[float, str | None]] = OrderedDict()
        self._lock = Lock()

    def remember(self, key: Key, mirror: Mirror, seconds: float, silence: str | None = None) -> None:
        with self._lock:
            self._kept[key, mirror.set_at] = time.monotonic() + seconds, silence
            while len(self._kept) > _MOST_REMEMBERED:
                self._kept.popitem(last=False)

    def has(self, key: Key, mirror: Mirror) -> bool:
        """Whether the source has no such repo, as far as is known."""
        found = self._find(key, mirror)
        return found is not None and found[1] is None

    def require_awake(self, key: Key, mirror: Mirror) -> None:
        """Raises if the source did not answer a moment ago."""
        found = self._find(key, mirror)
        if found is not None and found[1] is not None:
            raise _away(found[1])

    def _find(self, key: Key, mirror: Mirror) -> tuple[float, str | None] | None:
        with self._lock:
            found = self._kept.get((key, mirror.set_at))
            return found if found is not None and found[0] > time.monotonic() else None


def _away(message: str) -> Unavailable:
    return Unavailable(message, code="source_unavailable", retry_after=int(_REMEMBER_AWAY))


def _mirror_of(tx: Transaction, owner: str) -> Mirror | None:
    namespace = namespaces.namespace_by_name(tx, owner)
    return mirrors.mirror_of(tx, namespace.id) if namespace is not None else None


def _may_make(tx: Transaction, actor: Actor, owner: str) -> bool:
    try:
        find_namespace(tx, actor, owner, Action.CREATE_REPO)
    except (NotFound, NotPermitted, Unauthenticated):
        return False
    return True


def _is_name(name: str) -> bool:
    try:
        parse_repo(name)
    except InvalidInput:
        return False
    return True


def _nobody(mirror: Mirror) -> NotPermitted:
    return NotPermitted(
        f"{mirror.set_by} has set this mirror, and may make no repos here any more; an owner must set it anew.",
        code="mirror_without_user",
    )
