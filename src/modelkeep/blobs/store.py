"""One blob, two forms: whole in a file of its own, or as chunks of xorbs. Whoever reads it does not notice which."""

from __future__ import annotations

import fcntl
import heapq
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import Literal, Self

from modelkeep.blobs.files import storage_errors
from modelkeep.blobs.local import LocalBlobStore
from modelkeep.blobs.local_writer import LocalWriter
from modelkeep.blobs.ports import BlobInfo, BlobReader
from modelkeep.blobs.xet.file_reader import Layout, XorbFileReader, lay_out
from modelkeep.blobs.xet.memo import Memo
from modelkeep.blobs.xet.recipes import Recipe, RecipeStore
from modelkeep.blobs.xet.xorbs import XorbStore

Form = Literal["whole", "xorbs"]
_MEMO_TERMS = 1 << 18


class BlobStore:
    """All blobs of a hub. Where a blob has both forms, it is read from its file.

    Args:
        local: The whole blobs.
        xorbs: The xorbs.
        recipes: The files that are made of chunks of the xorbs.
        lock: A file by which collecting and linking keep out of each other's way, also between processes.

    Attributes:
        partials: Uploads in several requests; what they make is whole.
        xorbs: The xorbs.
        recipes: The recipes.
    """

    def __init__(
        self, local: LocalBlobStore, xorbs: XorbStore, recipes: RecipeStore, lock: Path | None = None
    ) -> None:
        self._local = local
        self._lock = lock
        self._layouts: Memo[tuple[Layout, tuple[int, int]]] = Memo(_MEMO_TERMS)
        self.partials = local.partials
        self.xorbs = xorbs
        self.recipes = recipes

    @classmethod
    def open(cls, root: Path) -> Self:
        """Opens the store in a folder, which is created if missing."""
        local, xorbs, recipes = (
            LocalBlobStore(root),
            XorbStore(root / "xorbs"),
            RecipeStore(root / "recipes"),
        )
        return cls(local, xorbs, recipes, root.absolute() / "collect.lock")

    @contextmanager
    def using(self) -> Iterator[None]:
        """While what is found in the store, or put into it, is being linked: nothing is collected meanwhile."""
        with self._locked(fcntl.LOCK_SH):
            yield

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """While something that nothing links is removed: nothing is linked meanwhile. Hold it for milliseconds."""
        with self._locked(fcntl.LOCK_EX):
            yield

    def form(self, oid: str) -> Form | None:
        """Says in which form a blob is read, or None where there is no such blob."""
        if self._local.path(oid) is not None:
            return "whole"
        return "xorbs" if self.recipes.path(oid).is_file() else None

    def stat(self, oid: str) -> BlobInfo | None:
        """Returns the blob's size, or None where there is no such blob."""
        info = self._local.stat(oid)
        if info is not None:
            return info
        size = self.recipes.size(oid)
        return None if size is None else BlobInfo(oid, size)

    def path(self, oid: str) -> Path | None:
        """Returns the blob's file, or None where it has none of its own: it is absent, or chunks of xorbs."""
        return self._local.path(oid)

    def stats(self, oid: str) -> list[os.stat_result]:
        """What the system says of a blob's own files: its whole form and its recipe, as far as there are such."""
        found = []
        for path in (self._local.path(oid), self.recipes.path(oid)):
            if path is not None:
                with suppress(FileNotFoundError):
                    found.append(path.stat())
        return found

    def recipe(self, oid: str) -> Recipe | None:
        """Returns which chunks a blob is made of, or None where it is not here as xorbs. It is remembered.

        Raises:
            Unavailable: It is damaged (``blob_damaged``).
        """
        layout = self._layout(oid)
        return layout.recipe if layout is not None else None

    def open_range(self, oid: str, start: int = 0, stop: int | None = None) -> BlobReader:
        """Opens the bytes ``start`` up to, not including, ``stop``, cut to the blob's size.

        Raises:
            NotFound: There is no such blob.
            Unavailable: It is damaged (``blob_damaged``).
        """
        if self._local.path(oid) is None:
            layout = self._layout(oid)
            if layout is not None:
                size = layout.recipe.size
                return XorbFileReader(
                    self.xorbs, layout, max(start, 0), size if stop is None else min(stop, size)
                )
        return self._local.open_range(oid, start, stop)

    def begin(self, expected_oid: str | None = None, expected_size: int | None = None) -> LocalWriter:
        """Starts an upload. Where the expected blob exists already, in either form, the bytes are only checked."""
        if expected_oid is not None and self.form(expected_oid) == "xorbs":
            return LocalWriter(None, self.recipes.path, expected_oid, expected_size, on_close=lambda: None)
        return self._local.begin(expected_oid, expected_size)

    def delete(self, oid: str) -> bool:
        """Removes a blob in both forms; False where there was none. Xorbs stay: others may be made of them."""
        was_whole = self._local.delete(oid)
        was_recipe = self.recipes.delete(oid)
        self._layouts.forget(oid)
        return was_whole or was_recipe

    def delete_whole(self, oid: str) -> bool:
        """Removes a blob's own file where it is also chunks of xorbs; False where it has not both forms."""
        return self.recipes.size(oid) is not None and self._local.delete(oid)

    def iter_oids(self) -> Iterator[str]:
        """Yields every blob's oid once, in order. Blobs added meanwhile may be missing."""
        for oid, _ in groupby(heapq.merge(self._local.iter_oids(), self.recipes.iter_oids())):
            yield oid

    def sweep_temporary(self, older_than: float = 0.0) -> int:
        """Removes what killed uploads left behind, if ``older_than`` seconds old; returns how many."""
        stores = (self._local, self.xorbs, self.recipes)
        return sum(store.sweep_temporary(older_than) for store in stores)

    def check(self) -> None:
        """Writes, reads back and removes a small file.

        Raises:
            Unavailable: The store cannot be written to or read from.
        """
        self._local.check()
        self.xorbs.check()

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        if self._lock is None:
            yield
            return
        with storage_errors():
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)

    def _layout(self, oid: str) -> Layout | None:
        try:
            stat = self.recipes.path(oid).stat()
        except FileNotFoundError:
            self._layouts.forget(oid)
            return None
        file = stat.st_ino, stat.st_mtime_ns
        known = self._layouts.get(oid)
        if known is not None and known[1] == file:
            return known[0]
        recipe = self.recipes.get(oid)
        if recipe is None:
            return None
        layout = lay_out(recipe)
        self._layouts.put(oid, (layout, file), len(recipe.terms))
        return layout
