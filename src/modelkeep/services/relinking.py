"""Rebuilds which repo may read which blob, from the pointers in Git and the blobs on disk.

Only for commands on the hub's own machine, after its database was lost or restored from an older copy: a link is a
right, and elsewhere a right comes from an upload or from a blob that the pusher could read. Here the proof is that each
pointer in a repository passed the gate when it came in.

What files are made of comes back with them, so that clients of the Xet protocol can build on their chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog

from modelkeep.blobs.xet.hashes import XetHash
from modelkeep.db import blobs, repos, xet
from modelkeep.domain.errors import NotFound, Unavailable
from modelkeep.git.lfs_pointers import accepted_pointers
from modelkeep.services.ports import Stores

K = TypeVar("K", bound=str)
T = TypeVar("T")

_LOG = structlog.get_logger("relinking")


class Relinking:
    """Restores the links of repos."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def restore(self, repo_id: str) -> int:
        """Links every blob that a pointer of the repo names and that is on disk; gives the number of new links.

        Raises:
            Unavailable: Git or the database cannot be read.
        """
        wanted = {p.oid: p.size for p in accepted_pointers(self._stores.repositories.path(repo_id))}
        with self._stores.database.read() as tx:
            known = blobs.linked(tx, repo_id, sorted(wanted))
        missing = {
            oid: size for oid, size in wanted.items() if oid not in known and self._is_stored(oid, size)
        }
        if missing:
            now = self._stores.now()
            with self._stores.database.write() as tx:
                for oid, size in missing.items():
                    blobs.record_blob_and_link(tx, oid, size, repo_id, None, now)
        self._restore_xorbs(repo_id, [oid for oid in wanted if oid in known or oid in missing])
        return len(missing)

    def restore_by_name(self, namespace: str, name: str) -> int:
        """Like :meth:`restore`, for a repo known by its name.

        Raises:
            NotFound: There is no such repo.
        """
        with self._stores.database.read() as tx:
            repo = repos.repo_by_name_of_any_kind(tx, namespace, name)
        if repo is None:
            raise NotFound(f"There is no repo '{namespace}/{name}'.", code="repo_not_found")
        return self.restore(repo.id)

    def restore_all(self) -> int:
        """Like :meth:`restore`, for all repos; gives the number of new links."""
        with self._stores.database.read() as tx:
            known = [repo_id for repo_id, _ in repos.all_repo_ids(tx)]
        return sum(self.restore(repo_id) for repo_id in known if self._stores.repositories.exists(repo_id))

    def _restore_xorbs(self, repo_id: str, oids: Iterable[str]) -> None:
        """Notes the Xet hashes of a repo's files, and that its namespace holds the xorbs that they are made of."""
        store = self._stores.blobs
        hashes: list[tuple[str, str]] = []
        sizes: dict[XetHash, int] = {}
        for oid in oids:
            recipe = _unless_damaged(store.recipes.get, oid)
            if recipe is None:
                continue
            hashes.append((oid, str(recipe.file_hash)))
            for xorb in {term.xorb for term in recipe.terms}.difference(sizes):
                index = _unless_damaged(store.xorbs.index, xorb)
                if index is not None:
                    sizes[xorb] = index.packed_size
        if not hashes:
            return
        now = self._stores.now()
        with self._stores.database.write() as tx:
            repo = repos.repo_by_id(tx, repo_id)
            if repo is None:
                return
            xet.set_file_hashes(tx, hashes)
            for xorb, size in sizes.items():
                xet.link_xorb(tx, xet.Tenant(repo.namespace_id), xorb, size, now)

    def _is_stored(self, oid: str, size: int) -> bool:
        info = _unless_damaged(self._stores.blobs.stat, oid)
        return info is not None and info.size == size


def _unless_damaged(read: Callable[[K], T | None], name: K) -> T | None:
    """What is in the store; what is damaged is passed over, because everything else is to come back all the same."""
    try:
        return read(name)
    except Unavailable as error:
        if error.code != "blob_damaged":
            raise
        _LOG.warning("damaged", name=name)
        return None
