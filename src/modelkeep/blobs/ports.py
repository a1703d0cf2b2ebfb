"""What a blob store can do, by capability, so that a service asks for no more than it needs.

An oid is the lower-case hexadecimal SHA-256 of the bytes. Everything here blocks: call it from a thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A stored blob; ``size`` in bytes."""

    oid: str
    size: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an upload: ``size`` bytes at ``offset``; ``etag`` tells its content from another's."""

    number: int
    offset: int
    size: int
    etag: str


class BlobReader(Protocol):
    """A range of a blob, read forwards. Close it, or use it as a context manager."""

    def read(self, limit: int = ...) -> bytes:
        """Returns up to ``limit`` bytes; empty at the end of the range."""

    def close(self) -> None:
        """Gives the file back. May be called twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BlobWriter(Protocol):
    """One upload. It ends with one commit or any number of aborts; a cut upload leaves nothing behind.

    Calls come one after another, though from different threads.
    """

    def write(self, data: bytes) -> None:
        """Appends bytes. See :meth:`write_batch`."""

    def write_batch(self, chunks: Sequence[bytes]) -> None:
        """Appends chunks in order, hashing them on the way.

        Raises:
            InvalidInput: More bytes than expected (``size_mismatch``).
            Unavailable: The disk is full or failing.
        """

    def commit(self) -> BlobInfo:
        """Makes the blob durable, then visible, in one step. Committing what exists already is no error.

        Raises:
            InvalidInput: The bytes are not those expected (``size_mismatch``, ``oid_mismatch``). Nothing is
                kept.
            Unavailable: The disk is full or failing.
        """

    def abort(self) -> None:
        """Forgets what was written. Does nothing after a commit."""


class Readable(Protocol):
    """Blobs can be read."""

    def stat(self, oid: str) -> BlobInfo | None:
        """Returns the blob's size, or None where there is no such blob."""

    def open_range(self, oid: str, start: int = 0, stop: int | None = None) -> BlobReader:
        """Opens the bytes ``start`` up to, not including, ``stop`` (default: the end).

        Raises:
            NotFound: There is no such blob.
        """


class LocalFiles(Protocol):
    """Blobs are whole files of this machine, which a server can send without reading them."""

    def path(self, oid: str) -> Path | None:
        """Returns where the blob is, or None where there is none. The file is read-only and never changes."""


class Writable(Protocol):
    """Blobs can be added and removed."""

    def begin(self, expected_oid: str | None = None, expected_size: int | None = None) -> BlobWriter:
        """Starts an upload. Where the expected blob exists already, the bytes are only checked."""

    def delete(self, oid: str) -> bool:
        """Removes a blob; False where there was none. Readers that have it open read on."""


class Listable(Protocol):
    """Blobs can be enumerated."""

    def iter_oids(self) -> Iterator[str]:
        """Yields every blob's oid, in order. Blobs added meanwhile may be missing."""


class AppendWriter(Protocol):
    """Bytes added at the end of a partial upload. What was written stays, also after :meth:`abort`."""

    def write_batch(self, chunks: Sequence[bytes]) -> None:
        """Appends chunks in order.

        Raises:
            InvalidInput: More bytes than the upload's size (``size_mismatch``).
            Unavailable: The disk is full or failing.
        """

    def commit(self) -> int:
        """Ends the addition and returns the new offset."""

    def abort(self) -> None:
        """Ends the addition early, keeping the bytes written so far."""


class PartWriter(Protocol):
    """One part of a partial upload, counted only once committed."""

    def write_batch(self, chunks: Sequence[bytes]) -> None:
        """Writes chunks in order, from the part's offset on.

        Raises:
            InvalidInput: More bytes than the part's size (``size_mismatch``).
            Unavailable: The disk is full or failing.
        """

    def commit(self) -> Part:
        """Records the part; the record survives a restart.

        Raises:
            InvalidInput: Fewer bytes than the part's size (``size_mismatch``).
        """

    def abort(self) -> None:
        """Forgets the part; the upload stays as it was."""


class Resumable(Protocol):
    """Uploads in several requests, addressed by an id of 32 lower-case hexadecimal characters.

    An upload is either appended to (tus) or written in parts (multipart), not both.
    """

    def open(self, upload_id: str, size: int) -> None:
        """Begins an upload of ``size`` bytes, or finds the one begun before.

        Raises:
            InvalidInput: A malformed id or size.
            Conflict: The upload exists with another size.
        """

    def offset(self, upload_id: str) -> int:
        """Returns how many bytes from the start are present without a gap.

        Raises:
            NotFound: There is no such upload.
        """

    def append(self, upload_id: str, offset: int) -> AppendWriter:
        """Continues at ``offset``, which must be the present one.

        Raises:
            NotFound: There is no such upload.
            Conflict: Another offset (``offset_mismatch``), an upload in parts, or another request is writing.
        """

    def write_part(self, upload_id: str, number: int, offset: int, size: int) -> PartWriter:
        """Writes part ``number`` (from 1) of ``size`` bytes at ``offset``; a part written before is replaced.

        Raises:
            NotFound: There is no such upload.
            InvalidInput: The part lies outside the upload.
            Conflict: The upload is appended to, is being finished, or another request writes this part.
        """

    def parts(self, upload_id: str) -> tuple[Part, ...]:
        """Returns the parts recorded, by number.

        Raises:
            NotFound: There is no such upload.
        """

    def finish(self, upload_id: str, expected_oid: str, expected_size: int) -> BlobInfo:
        """Turns a complete upload into a blob. May take long: what was not hashed on arrival is read again.

        Raises:
            NotFound: There is no such upload.
            InvalidInput: Bytes are missing (``upload_incomplete``; the upload stays), or they are not those
                expected (``size_mismatch``, ``oid_mismatch``; the upload is discarded).
            Conflict: A request is still writing.
        """

    def discard(self, upload_id: str) -> None:
        """Forgets an upload. Does nothing where there is none.

        Raises:
            Conflict: A request is still writing.
        """

    def sweep(self, older_than: float) -> int:
        """Discards the uploads that nobody has written to for ``older_than`` seconds; returns how many."""
