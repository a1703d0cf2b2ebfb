"""Rebuilds which repo may read which blob, from the pointers in Git and the blobs on disk.

Only for commands on the hub's own machine, after its database was lost or restored from an older copy: a link is a
right, and elsewhere a right comes from an upload or from a blob that the pusher could read. Here the proof is that each
pointer in a repository passed the gate when it came in.
"""

from __future__ import annotations

from modelkeep.db import blobs, repos
from modelkeep.domain.errors import NotFound
from modelkeep.git.lfs_pointers import accepted_pointers
from modelkeep.services.ports import Stores


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

    def _is_stored(self, oid: str, size: int) -> bool:
        info = self._stores.blobs.stat(oid)
        return info is not None and info.size == size
