"""One upload into the local store: hashed and written as it comes, visible only when whole and right."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from modelkeep.blobs.files import WRITE_BACK_BYTES, publish, start_write_back, storage_errors, write_all
from modelkeep.blobs.ports import BlobInfo
from modelkeep.domain.errors import InvalidInput, Unavailable


def check_size(expected: int | None, actual: int) -> None:
    """Raises InvalidInput (``size_mismatch``) where ``actual`` bytes came instead of ``expected`` ones."""
    if expected is not None and actual != expected:
        raise InvalidInput(
            f"The upload has {actual} bytes where {expected} were announced. Send the whole object again.",
            code="size_mismatch",
            expected=expected,
            actual=actual,
        )


def check_room(limit: int | None, position: int) -> None:
    """Raises InvalidInput (``size_mismatch``) where an upload of ``position`` bytes is past its ``limit``."""
    if limit is not None and position > limit:
        raise InvalidInput(
            f"The upload has more than the {limit} bytes announced. Send the object with its right size.",
            code="size_mismatch",
            expected=limit,
        )


def check_digest(expected: str | None, actual: str) -> None:
    """Raises InvalidInput (``oid_mismatch``) where the bytes hash to something else than announced."""
    if expected is not None and actual != expected:
        raise InvalidInput(
            f"The bytes received have the SHA-256 {actual}, not {expected}: they were changed on the way, "
            "or the object id is that of another file. Send the object again.",
            code="oid_mismatch",
            expected=expected,
            actual=actual,
        )


class LocalWriter:
    """Implements :class:`modelkeep.blobs.ports.BlobWriter`.

    Args:
        temporary: The file to write to, which must not exist; None only checks the bytes and stores nothing.
        destination: Where a blob of a given oid belongs.
        expected_oid: The oid announced, if any.
        expected_size: The size announced in bytes, if any.
        on_close: Called once, when the writer is done with the temporary file.
    """

    def __init__(
        self,
        temporary: Path | None,
        destination: Callable[[str], Path],
        expected_oid: str | None,
        expected_size: int | None,
        on_close: Callable[[], None],
    ) -> None:
        self._temporary = temporary
        self._destination = destination
        self._expected_oid = expected_oid
        self._expected_size = expected_size
        self._on_close = on_close
        self._hasher = hashlib.sha256()
        self._size = 0
        self._written_back = 0
        self._descriptor: int | None = None
        self._is_open = True
        if temporary is not None:
            with storage_errors():
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                self._descriptor = os.open(temporary, flags, 0o440)

    def write(self, data: bytes) -> None:
        """Appends bytes; see :meth:`write_batch`."""
        self.write_batch((data,))

    def write_batch(self, chunks: Sequence[bytes]) -> None:
        """Hashes and appends chunks in order. The interpreter lock is free during both."""
        if not self._is_open:
            raise ValueError("the writer is closed")
        end = self._size + sum(len(chunk) for chunk in chunks)
        check_room(self._expected_size, end)
        for chunk in chunks:
            self._hasher.update(chunk)
        if self._descriptor is not None:
            with storage_errors():
                write_all(self._descriptor, chunks, self._size)
                if end - self._written_back >= WRITE_BACK_BYTES:
                    start_write_back(self._descriptor, self._written_back, end)
                    self._written_back = end
        self._size = end

    def commit(self) -> BlobInfo:
        """Checks size and digest, syncs the file, and gives it its name; on any error nothing is kept."""
        if not self._is_open:
            raise ValueError("the writer is closed")
        try:
            check_size(self._expected_size, self._size)
            oid = self._hasher.hexdigest()
            check_digest(self._expected_oid, oid)
            with storage_errors():
                self._publish(oid)
        except BaseException:
            self.abort()
            raise
        self._close()
        return BlobInfo(oid, self._size)

    def abort(self) -> None:
        """Removes the temporary file."""
        if not self._is_open:
            return
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
        self._close()

    def _publish(self, oid: str) -> None:
        target = self._destination(oid)
        if self._temporary is not None and self._descriptor is not None:
            if target.exists():
                self._temporary.unlink()
                return
            os.fsync(self._descriptor)
            publish(self._temporary, target)
        elif not target.exists():
            raise Unavailable(
                "The object was removed from the hub while it was being checked. Send it again.",
                code="blob_removed",
            )

    def _close(self) -> None:
        self._is_open = False
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._on_close()
