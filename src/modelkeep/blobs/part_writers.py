"""The writers of an upload in several requests."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence

from modelkeep.blobs.files import WRITE_BACK_BYTES, start_write_back, storage_errors, write_all
from modelkeep.blobs.local_writer import check_room, check_size
from modelkeep.blobs.ports import Part
from modelkeep.blobs.upload_state import UploadState


class _FileWriter:
    """Writes forwards from a place in the upload's file, starting write-back on the way."""

    def __init__(self, state: UploadState, number: int, position: int, limit: int) -> None:
        self._state = state
        self._number = number
        self._start = position
        self._position = position
        self._limit = limit
        self._written_back = position
        self._descriptor: int | None = os.open(state.data, os.O_WRONLY | os.O_CLOEXEC)
        state.writers.add(number)

    def write_batch(self, chunks: Sequence[bytes]) -> None:
        """Writes chunks in order."""
        if self._descriptor is None:
            raise ValueError("the writer is closed")
        check_room(self._limit - self._start, self._position - self._start + sum(map(len, chunks)))
        with storage_errors():
            position = self._position
            self._position = write_all(self._descriptor, chunks, position)
            if self._position - self._written_back >= WRITE_BACK_BYTES:
                start_write_back(self._descriptor, self._written_back, self._position)
                self._written_back = self._position
        self._seen(position, chunks)

    def abort(self) -> None:
        """Ends the writing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._state.release(self._number)

    def _seen(self, position: int, chunks: Sequence[bytes]) -> None:
        raise NotImplementedError

    def _require_open(self) -> None:
        if self._descriptor is None:
            raise ValueError("the writer is closed")


class LocalAppendWriter(_FileWriter):
    """Implements :class:`modelkeep.blobs.ports.AppendWriter`."""

    def __init__(self, state: UploadState, offset: int) -> None:
        super().__init__(state, 0, offset, state.size)

    def commit(self) -> int:
        """Ends the addition and returns the new offset."""
        self._require_open()
        self.abort()
        return self._position

    def _seen(self, position: int, chunks: Sequence[bytes]) -> None:
        self._state.hash_arrived(position, chunks)


class LocalPartWriter(_FileWriter):
    """Implements :class:`modelkeep.blobs.ports.PartWriter`."""

    def __init__(
        self, state: UploadState, number: int, offset: int, size: int, hash_ahead_bytes: int
    ) -> None:
        super().__init__(state, number, offset, offset + size)
        self._size = size
        self._checksum = 0
        self._hash_ahead_bytes = hash_ahead_bytes

    def commit(self) -> Part:
        """Records the part, then hashes some of what is now present without a gap."""
        self._require_open()
        try:
            check_size(self._size, self._position - self._start)
            part = Part(self._number, self._start, self._size, f"{self._size:x}-{self._checksum:08x}")
            with storage_errors():
                self._state.record_part(part)
        finally:
            self.abort()
        with storage_errors():
            self._state.hash_ahead(self._hash_ahead_bytes)
        return part

    def _seen(self, position: int, chunks: Sequence[bytes]) -> None:
        for chunk in chunks:
            self._checksum = zlib.crc32(chunk, self._checksum)
