"""Imports: repos that take over what a repo of another hub holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from modelkeep.sdk.addresses import api_path
from modelkeep.sdk.handle import given
from modelkeep.sdk.http import Connection
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.models_imports import Import

_COLUMNS = ("id", "repo", "source", "state", "files_done", "files_total", "imported_commit")


class Imports:
    """``hub.imports``.

    ::

        begun = hub.imports.create("hf:acme/bert@v2", repo="models/bert", exclude=["*.msgpack"])
        done = hub.imports.wait(begun.id)
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        source: str,
        *,
        repo: str | None = None,
        revision: str | None = None,
        endpoint: str | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        token: str | None = None,
        every: int | None = None,
        visibility: str | None = None,
    ) -> Import:
        """Begins an import and returns at once; the hub does it, also if this program ends.

        Asking again for the same repo changes what is wanted and begins anew; what was fetched already stays.

        Args:
            source: ``hf:owner/name``, ``hf:datasets/owner/name``, with ``@revision`` at the end if need be.
            repo: Where to, ``namespace/name``, made if it is not there; else your own namespace and the same name.
            revision: A branch, a tag or a commit; else the source's default branch.
            endpoint: The URL of the other hub; else the hub's usual one.
            include: Take only files like these.
            exclude: Leave out files like these.
            token: Opens the source; the hub keeps it encrypted and sends it to the endpoint alone.
            every: Seconds after which to look for changes again, and again.
            visibility: Of a repo that is made for it.

        Raises:
            NotFound: The source has no such repo or revision, or does not show it.
            Conflict: The repo's import is running.
        """
        body = given(
            source=source,
            repo=repo,
            revision=revision,
            endpoint=endpoint,
            token=token,
            every=every,
            visibility=visibility,
        )
        body |= {name: [*value] for name, value in (("include", include), ("exclude", exclude)) if value}
        return Import.read(self._connection.post(api_path("imports"), body))

    def list(self, repo: str | None = None) -> Listing[Import]:
        """Imports into repos that you may read, the newest first; only of one repo where it is named."""
        return Listing(self._connection, api_path("imports"), Import.read, {"repo": repo}, columns=_COLUMNS)

    def get(self, import_id: int) -> Import:
        """An import, and how far it is."""
        return Import.read(self._connection.get(api_path("imports", str(import_id))))

    def sync(self, import_id: int) -> Import:
        """Looks for changes at the source now."""
        return self._act(import_id, "sync")

    def cancel(self, import_id: int) -> Import:
        """Ends what is under way, and the schedule."""
        return self._act(import_id, "cancel")

    def delete(self, import_id: int) -> None:
        """Forgets where the repo came from, and the token; its files stay."""
        self._connection.send("DELETE", api_path("imports", str(import_id)))

    def wait(
        self, import_id: int, *, seen: Callable[[Import], None] | None = None, every: float = 1.0
    ) -> Import:
        """Waits until an import is done, has failed or was cancelled; says so by its ``state``, without an error.

        Args:
            import_id: Its number.
            seen: Is given the import each time that it was looked at.
            every: Seconds between two looks.
        """
        while True:
            found = self.get(import_id)
            if seen is not None:
                seen(found)
            if not found.is_active:
                return found
            time.sleep(every)

    def _act(self, import_id: int, action: str) -> Import:
        path = api_path("imports", str(import_id), action)
        return Import.read(self._connection.post(path, {}, is_repeatable=True))
