"""Turning the whole files of a repo into chunks, so that versions share what they have in common.

The hub sends the files to its own Xet store, as any client would: there they are checked like anybody's, SHA-256 and
all. Only then a file's whole form is removed. A run may be killed at any moment and begins anew.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from modelkeep.db import blobs, rechunks
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import ModelkeepError, NotFound, NotPermitted
from modelkeep.domain.repos import Repo
from modelkeep.domain.storage import Rechunk, RechunkState
from modelkeep.outbound.xet_client import XetStore, send
from modelkeep.services.access import find_repo, find_repo_by_id
from modelkeep.services.audit import record
from modelkeep.services.authentication import present_actor
from modelkeep.services.ports import MIB, Stores
from modelkeep.services.xet_tokens import Right, XetTokens

_LEAST = 64 * 1024
"""Smaller files have but one chunk."""

_BATCH_BYTES = 1024 * MIB
_BATCH_FILES = 200
_SLOWEST = 4 * MIB
"""Bytes in a second: how long a batch may take follows from it."""

_LEAST_SECONDS = 300.0


class Rechunking:
    """Makes chunks of whole files."""

    def __init__(self, stores: Stores, tokens: XetTokens) -> None:
        self._stores = stores
        self._tokens = tokens
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ends what is under way, from another thread; it begins anew at the next start."""
        self._stopping.set()

    def ask(self, actor: Actor, namespace: str, name: str) -> Rechunk:
        """Asks that it be done soon; while it runs, for nothing more.

        Raises:
            NotPermitted: The actor may not configure the repo, or acts without a user.
        """
        with self._stores.database.write() as tx:
            repo = find_repo(tx, actor, namespace, name, Action.CONFIGURE).repo
            if actor.user_id is None:
                raise NotPermitted("This is done in the name of a user; sign in as one.", code="user_needed")
            present = rechunks.of_repo(tx, repo.id)
            if present is None or present.state is not RechunkState.RUNNING:
                rechunks.ask(tx, repo.id, actor.user_id, self._stores.now())
                record(tx, actor, "storage.rechunk", str(repo.full_name), repo=repo)
        return self.get(actor, namespace, name)

    def get(self, actor: Actor, namespace: str, name: str) -> Rechunk:
        """How far it is. What went wrong, which names files of the hub, is for those who may ask for it.

        Raises:
            NotFound: Nobody ever asked for it (``no_rechunk``), or there is no such repo.
        """
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
            found = rechunks.of_repo(tx, access.repo.id)
        if found is None:
            raise NotFound(f"Nobody has asked to make chunks of {access.repo.full_name}.", code="no_rechunk")
        return found if access.may(Action.CONFIGURE) else replace(found, error=None)

    def due(self) -> list[str]:
        """The ids of repos for which a job is to be made."""
        with self._stores.database.read() as tx:
            return rechunks.in_state(tx, RechunkState.WAITING)

    def job_made(self, repo_id: str) -> None:
        """Notes that there is a job for a repo."""
        with self._stores.database.write() as tx:
            rechunks.set_state(tx, repo_id, RechunkState.RUNNING)

    def recover(self, busy: Callable[[], set[str]]) -> list[str]:
        """Lets jobs be made anew for repos that say that one runs, and none does; gives their ids."""
        with self._stores.database.read() as tx:
            running = rechunks.in_state(tx, RechunkState.RUNNING)
        lost = sorted(set(running) - busy()) if running else []
        for repo_id in lost:
            with self._stores.database.write() as tx:
                rechunks.set_state(tx, repo_id, RechunkState.WAITING)
        return lost

    def run(self, repo_id: str, own_url: str) -> None:
        """Does it, for the job; ``own_url`` is where this hub answers."""
        error: str | None = None
        try:
            self._run(repo_id, own_url)
        except ModelkeepError as failure:
            if self._stopping.is_set():
                return  # it still says that it runs, so that it will
            error = " ".join([failure.message, *getattr(failure, "__notes__", [])])[:2000]
        state = RechunkState.FAILED if error else RechunkState.DONE
        with self._stores.database.write() as tx:
            rechunks.set_state(tx, repo_id, state, error, self._stores.now())

    def _run(self, repo_id: str, own_url: str) -> None:
        with self._stores.database.read() as tx:
            asked = rechunks.of_repo(tx, repo_id)
            if asked is None:
                return
            actor = present_actor(tx, asked.user_id, None, "", "rechunk", self._stores.now())
            repo = find_repo_by_id(tx, actor, repo_id, Action.CONFIGURE).repo
            held = blobs.all_linked(tx, repo_id)
        whole = [(oid, size) for oid, size in sorted(held.items()) if self._is_whole(oid, size)]
        done = 0
        self._progress(repo_id, done, len(whole))
        with tempfile.TemporaryDirectory(prefix="modelkeep-rechunk-") as cache:
            for batch in _batches(whole):
                self._send(actor, repo, own_url, batch, Path(cache))
                done += len(batch)
                self._progress(repo_id, done, len(whole))

    def _send(
        self, actor: Actor, repo: Repo, own_url: str, batch: Sequence[tuple[str, int]], cache: Path
    ) -> None:
        seconds = max(sum(size for _, size in batch) / _SLOWEST, _LEAST_SECONDS)
        token = self._tokens.issue(
            actor, repo.place, repo.name, repo.default_branch, Right.WRITE, seconds + _LEAST_SECONDS
        )
        store = XetStore(f"{own_url}/api/xet/{token.scope}", token.text, token.expires_at)
        paths = [(self._stores.blobs.path(oid), oid) for oid, _ in batch]
        files = [(path, oid) for path, oid in paths if path is not None]
        send(store, files, cache, seconds, self._stopping)
        for _, oid in files:
            self._stores.blobs.delete_whole(oid)

    def _is_whole(self, oid: str, size: int) -> bool:
        return size >= _LEAST and self._stores.blobs.path(oid) is not None

    def _progress(self, repo_id: str, done: int, total: int) -> None:
        with self._stores.database.write() as tx:
            rechunks.set_progress(tx, repo_id, done, total)


def _batches(files: Sequence[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    """A file, or so many at a time that progress shows."""
    batch: list[tuple[str, int]] = []
    for file in files:
        if batch and (len(batch) >= _BATCH_FILES or sum(size for _, size in batch) + file[1] > _BATCH_BYTES):
            yield batch
            batch = []
        batch.append(file)
    if batch:
        yield batch
