"""What this process knows of one upload in several requests: its parts, its writers, its hash so far."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from modelkeep.blobs.ports import Part
from modelkeep.domain.errors import Conflict

_READ_BYTES = 1 << 20


def contiguous(parts: Iterable[Part]) -> int:
    """Returns how many bytes from the start the parts cover without a gap."""
    end = 0
    for part in sorted(parts, key=lambda part: part.offset):
        if part.offset > end:
            break
        end = max(end, part.offset + part.size)
    return end


def read_parts(journal: Path, size: int) -> dict[int, Part]:
    """Reads the journal of an upload of ``size`` bytes; the last line about a number counts.

    A line cut short by a crash, and anything else that is no record, is passed over: its part is sent again.
    """
    parts: dict[int, Part] = {}
    for line in journal.read_bytes().splitlines():
        try:
            number, offset, length, etag = json.loads(line)
            part = Part(number, offset, length, etag)
            is_valid = isinstance(etag, str) and number >= 1 and 0 <= offset <= offset + length <= size
        except (ValueError, TypeError, RecursionError):
            continue
        if not is_valid:
            continue
        if length:
            parts[number] = part
        else:
            parts.pop(number, None)
    return parts


class UploadState:
    """One upload's state in memory; the files in ``folder`` are the truth.

    Attributes:
        size: The announced size in bytes.
        parts: The parts recorded, by number.
        writers: The numbers of the parts being written; 0 stands for an addition at the end.
        is_multipart: Whether it is written in parts rather than appended to.
        is_closed: Whether it is being finished or discarded.
        lock: Held for every look at and change of the attributes above, never while bytes are moved.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.data = folder / "data"
        self.size = size
        self.lock = threading.RLock()
        self.writers: set[int] = set()
        self.is_closed = False
        self._journal = folder / "parts"
        self.is_multipart = self._journal.exists()
        self.parts = read_parts(self._journal, size) if self.is_multipart else {}
        self._hash_lock = threading.Lock()
        self._hasher = hashlib.sha256()
        self._hashed = 0
        self._is_stale = False

    def require_open(self) -> None:
        """Raises Conflict where the upload is being finished or discarded."""
        if self.is_closed:
            raise Conflict("This upload is being finished. Try again later.", code="upload_busy")

    def offset(self) -> int:
        """Returns how many bytes from the start are present without a gap."""
        if self.is_multipart:
            return contiguous(self.parts.values())
        return min(self.data.stat().st_size, self.size)

    def begin_multipart(self) -> None:
        """Makes this an upload in parts, durably."""
        if not self.is_multipart:
            self._journal.touch(mode=0o640)
            self.is_multipart = True

    def record_part(self, part: Part) -> None:
        """Records a part whose bytes are written."""
        with self.lock:
            self._append(part)
            if part.size:
                self.parts[part.number] = part

    def forget_part(self, number: int) -> None:
        """Takes a part's record back, because its bytes are about to change."""
        if number in self.parts:
            part = self.parts.pop(number)
            self._append(Part(number, part.offset, 0, ""))
            self._is_stale = True

    def release(self, number: int) -> None:
        """Ends the work of the writer of part ``number``."""
        with self.lock:
            self.writers.discard(number)

    def hash_arrived(self, position: int, chunks: Sequence[bytes]) -> None:
        """Takes bytes just written at ``position`` into the hash, if they come next."""
        if self._hash_lock.acquire(blocking=False):
            try:
                if self._hashed == position:
                    for chunk in chunks:
                        self._hasher.update(chunk)
                        self._hashed += len(chunk)
            finally:
                self._hash_lock.release()

    def hash_ahead(self, limit: int) -> None:
        """Hashes up to ``limit`` bytes of what is present without a gap, unless another thread is at it."""
        if self._hash_lock.acquire(blocking=False):
            try:
                with self.lock:
                    stop = min(self.offset(), self._hashed + limit)
                self._hash_until(stop)
            finally:
                self._hash_lock.release()

    def digest(self) -> str:
        """Returns the SHA-256 of the whole upload, which must be complete and closed."""
        with self._hash_lock:
            if self._is_stale:
                self._hasher = hashlib.sha256()
                self._hashed = 0
                self._is_stale = False
            self._hash_until(self.size)
            return self._hasher.hexdigest()

    def _hash_until(self, stop: int) -> None:
        descriptor = os.open(self.data, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while self._hashed < stop:
                data = os.pread(descriptor, min(_READ_BYTES, stop - self._hashed), self._hashed)
                if not data:
                    raise OSError("the upload's file is shorter than its record")
                self._hasher.update(data)
                self._hashed += len(data)
        finally:
            os.close(descriptor)

    def _append(self, part: Part) -> None:
        # The newline in front ends a line that a crash cut short.
        line = f"\n{json.dumps([part.number, part.offset, part.size, part.etag])}\n"
        with self._journal.open("ab") as journal:
            journal.write(line.encode("ascii"))
