"""Blobs as plain files of this machine.

::

    ROOT/sha256/ab/<oid>       the blobs: read-only, renamed here when whole, never changed
    ROOT/tmp/                  uploads in one request, under way
    ROOT/uploads/<id>/         uploads in several requests (see partials.py)

One process writes to a root at a time. The 256 folders of blobs are made when the store is opened, so that a blob costs
two syncs: of its file, and of the folder that has its name.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from modelkeep.blobs.files import (
    delete_file,
    make_directories,
    make_directory,
    names_in,
    storage_errors,
    sweep_folder,
)
from modelkeep.blobs.local_writer import LocalWriter
from modelkeep.blobs.partials import LocalPartials
from modelkeep.blobs.ports import BlobInfo
from modelkeep.domain.errors import NotFound, Unavailable
from modelkeep.domain.lfs import Oid

READ_BYTES = 1 << 20
"""The size of one read: below it, the cost per call shows; above it, only memory grows."""

_OID = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SHARDS = tuple(f"{number:02x}" for number in range(256))


def is_hashing_fast() -> bool:
    """Says whether SHA-256 comes from OpenSSL; Python's own is up to five times slower."""
    return hashlib.sha256.__name__ == "openssl_sha256"


class LocalReader:
    """Implements :class:`modelkeep.blobs.ports.BlobReader` on an open file."""

    def __init__(self, descriptor: int, start: int, stop: int) -> None:
        self._descriptor: int | None = descriptor
        self._position = start
        self._stop = stop
        if stop > start and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, start, stop - start, os.POSIX_FADV_SEQUENTIAL)

    def read(self, limit: int = READ_BYTES) -> bytes:
        """Returns up to ``limit`` bytes; empty at the end of the range."""
        if self._descriptor is None:
            raise ValueError("the reader is closed")
        wanted = min(limit, self._stop - self._position)
        if wanted <= 0:
            return b""
        with storage_errors():
            data = os.pread(self._descriptor, wanted, self._position)
        self._position += len(data)
        return data

    def close(self) -> None:
        """Closes the file. May be called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LocalBlobStore:
    """Implements Readable, LocalFiles, Writable and Listable of :mod:`modelkeep.blobs.ports` in a folder.

    Args:
        root: The folder; created if missing.

    Attributes:
        partials: Uploads in several requests (:class:`modelkeep.blobs.ports.Resumable`).
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._blobs = self._root / "sha256"
        self._temporary = self._root / "tmp"
        self._live: set[str] = set()
        self._live_lock = threading.Lock()
        with storage_errors():
            for folder in (self._blobs, self._temporary, self._root / "uploads"):
                make_directory(folder)
            make_directories(self._blobs, _SHARDS)
        self.partials = LocalPartials(self._root / "uploads", self._locate)

    def stat(self, oid: str) -> BlobInfo | None:
        """Returns the blob's size, or None where there is no such blob."""
        with storage_errors():
            try:
                return BlobInfo(oid, self._locate(oid).stat().st_size)
            except FileNotFoundError:
                return None

    def path(self, oid: str) -> Path | None:
        """Returns the blob's file, or None where there is no such blob."""
        path = self._locate(oid)
        return path if path.is_file() else None

    def open_range(self, oid: str, start: int = 0, stop: int | None = None) -> LocalReader:
        """Opens the bytes ``start`` up to, not including, ``stop``, cut to the blob's size."""
        with storage_errors():
            try:
                descriptor = os.open(self._locate(oid), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                raise NotFound("The hub does not have this object.", code="blob_not_found", oid=oid) from None
            size = os.fstat(descriptor).st_size
        return LocalReader(descriptor, max(start, 0), size if stop is None else min(stop, size))

    def begin(self, expected_oid: str | None = None, expected_size: int | None = None) -> LocalWriter:
        """Starts an upload. Where the expected blob exists already, the bytes are only checked."""
        if expected_oid is not None and self.path(expected_oid) is not None:
            return LocalWriter(None, self._locate, expected_oid, expected_size, on_close=lambda: None)
        name = uuid4().hex
        with self._live_lock:
            self._live.add(name)
        try:
            return LocalWriter(
                self._temporary / name,
                self._locate,
                expected_oid,
                expected_size,
                on_close=lambda: self._forget(name),
            )
        except BaseException:
            self._forget(name)
            raise

    def delete(self, oid: str) -> bool:
        """Removes a blob; False where there was none. Readers that have it open read on."""
        return delete_file(self._locate(oid))

    def iter_oids(self) -> Iterator[str]:
        """Yields every blob's oid, in order; other files in the folder are passed over."""
        yield from names_in(self._blobs, _SHARDS, _OID)

    def sweep_temporary(self, older_than: float = 0.0) -> int:
        """Removes what killed uploads left behind, if ``older_than`` seconds old; returns how many."""
        return sweep_folder(self._temporary, older_than, self._is_live)

    def check(self) -> None:
        """Writes, reads back and removes a small file.

        Raises:
            Unavailable: The store cannot be written to or read from.
        """
        probe = self._temporary / f"probe-{uuid4().hex}"
        with storage_errors():
            try:
                probe.write_bytes(b"probe")
                is_same = probe.read_bytes() == b"probe"
            finally:
                probe.unlink(missing_ok=True)
        if not is_same:
            raise Unavailable(
                "The hub's storage returns other bytes than were written.", code="storage_failed"
            )

    def _locate(self, oid: str) -> Path:
        name = Oid.parse(oid)
        return self._blobs / name[:2] / name

    def _is_live(self, name: str) -> bool:
        with self._live_lock:
            return name in self._live

    def _forget(self, name: str) -> None:
        with self._live_lock:
            self._live.discard(name)
