"""Uploads in several requests, kept as files so that they outlive a restart.

::

    uploads/<id>/size     the announced size, decimal; an upload without it does not exist
    uploads/<id>/data     the bytes, at their places
    uploads/<id>/parts    the parts recorded, one JSON line each; absent in an upload that is appended to
"""

from __future__ import annotations

import math
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from modelkeep.blobs.files import make_directory, publish, storage_errors, sync_directory
from modelkeep.blobs.local_writer import check_digest, check_size
from modelkeep.blobs.part_writers import LocalAppendWriter, LocalPartWriter
from modelkeep.blobs.ports import BlobInfo, Part
from modelkeep.blobs.upload_state import UploadState
from modelkeep.domain.errors import Conflict, InvalidInput, NotFound
from modelkeep.domain.lfs import MAX_SIZE

HASH_AHEAD_BYTES = 128 << 20
"""How much one request may hash for its upload before it answers."""

MAX_PART_NUMBER = 100_000

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class LocalPartials:
    """Implements :class:`modelkeep.blobs.ports.Resumable` in a folder.

    The SHA-256 advances over the bytes that have arrived without a gap, so that finishing a large upload in
    the life of one process reads little or nothing again. After a restart it is computed from the file. Parts
    are synced to the disk at the end: what a power failure damages is found by the hash, and sent again.

    Args:
        root: The folder of the uploads.
        destination: Where a blob of a given oid belongs.
    """

    def __init__(self, root: Path, destination: Callable[[str], Path]) -> None:
        self._root = root
        self._destination = destination
        self._states: dict[str, UploadState] = {}
        self._lock = threading.Lock()

    def open(self, upload_id: str, size: int) -> None:
        """Begins an upload of ``size`` bytes, or finds the one begun before."""
        if not 0 <= size <= MAX_SIZE:
            raise InvalidInput(
                f"The size of an upload is between 0 and {MAX_SIZE} bytes.", code="invalid_size"
            )
        folder = self._folder(upload_id)
        with self._lock, storage_errors():
            known = self._read_size(folder)
            if known is None:
                self._create(folder, size)
            elif known != size:
                raise Conflict(
                    f"This upload was begun with {known} bytes, not {size}. Discard it first.",
                    code="size_mismatch",
                    expected=known,
                    actual=size,
                )
            else:
                os.utime(folder / "size")

    def offset(self, upload_id: str) -> int:
        """Returns how many bytes from the start are present without a gap."""
        state = self._state(upload_id)
        with state.lock:
            return state.offset()

    def append(self, upload_id: str, offset: int) -> LocalAppendWriter:
        """Continues at ``offset``, which must be the present one."""
        state = self._state(upload_id)
        with state.lock, storage_errors():
            state.require_open()
            if state.is_multipart or state.writers:
                raise Conflict(
                    "Another request is writing to this upload, or it is uploaded in parts. Try again later.",
                    code="upload_busy",
                )
            if offset != state.offset():
                raise Conflict(
                    f"The upload continues at byte {state.offset()}, not {offset}. Continue there.",
                    code="offset_mismatch",
                    expected=state.offset(),
                    actual=offset,
                )
            return LocalAppendWriter(state, offset)

    def write_part(self, upload_id: str, number: int, offset: int, size: int) -> LocalPartWriter:
        """Writes part ``number`` (from 1) of ``size`` bytes at ``offset``, replacing an earlier one."""
        state = self._state(upload_id)
        if not (1 <= number <= MAX_PART_NUMBER and 0 <= offset <= offset + size <= state.size):
            raise InvalidInput(
                f"Part {number} ({size} bytes at byte {offset}) is outside the upload of {state.size} bytes.",
                code="invalid_part",
            )
        with state.lock, storage_errors():
            state.require_open()
            if number in state.writers or (not state.is_multipart and (state.writers or state.offset())):
                raise Conflict(
                    f"Another request writes part {number}, or the upload is appended to. Try again later.",
                    code="upload_busy",
                )
            state.begin_multipart()
            state.forget_part(number)
            return LocalPartWriter(state, number, offset, size, HASH_AHEAD_BYTES)

    def parts(self, upload_id: str) -> tuple[Part, ...]:
        """Returns the parts recorded, by number."""
        state = self._state(upload_id)
        with state.lock:
            return tuple(part for _, part in sorted(state.parts.items()))

    def finish(self, upload_id: str, expected_oid: str, expected_size: int) -> BlobInfo:
        """Turns a complete upload into a blob; see the port. A second call meanwhile is refused as busy."""
        state = self._state(upload_id)
        with state.lock:
            state.require_open()
            if state.writers:
                raise Conflict(
                    "A request is still writing to this upload. Try again later.", code="upload_busy"
                )
            state.is_closed = True
        try:
            self._require_complete(state, expected_size)
            with storage_errors():
                digest = state.digest()
            check_digest(expected_oid, digest)
            with storage_errors():
                self._publish(state, digest)
        except InvalidInput as error:
            if error.code == "upload_incomplete":
                state.is_closed = False
            else:
                self._remove(upload_id)
            raise
        except BaseException:
            state.is_closed = False
            raise
        self._remove(upload_id)
        return BlobInfo(digest, expected_size)

    def discard(self, upload_id: str) -> None:
        """Forgets an upload. Does nothing where there is none."""
        try:
            state = self._state(upload_id)
        except NotFound:
            return
        with state.lock:
            state.require_open()
            if state.writers:
                raise Conflict(
                    "A request is still writing to this upload. Try again later.", code="upload_busy"
                )
            state.is_closed = True
        self._remove(upload_id)

    def sweep(self, older_than: float) -> int:
        """Discards the uploads that nobody has written to for ``older_than`` seconds; returns how many."""
        limit = time.time() - older_than
        removed = 0
        with storage_errors():
            for folder in sorted(self._root.iterdir()):
                if _last_write(folder) <= limit:
                    if not _ID.fullmatch(folder.name) or self._read_size(folder) is None:
                        shutil.rmtree(folder, ignore_errors=True)
                        continue
                    with suppress(Conflict):
                        self.discard(folder.name)
                        removed += 1
        return removed

    def _folder(self, upload_id: str) -> Path:
        if not _ID.fullmatch(upload_id):
            raise InvalidInput(
                "An upload id is 32 lower-case hexadecimal characters.", code="invalid_upload_id"
            )
        return self._root / upload_id

    def _state(self, upload_id: str) -> UploadState:
        folder = self._folder(upload_id)
        with self._lock, storage_errors():
            state = self._states.get(upload_id)
            if state is None:
                size = self._read_size(folder)
                if size is None:
                    raise NotFound(
                        "There is no such upload: it was finished, discarded or never begun.",
                        code="upload_not_found",
                    )
                state = UploadState(folder, size)
                self._states[upload_id] = state
            return state

    def _create(self, folder: Path, size: int) -> None:
        make_directory(folder)
        (folder / "data").touch(mode=0o640)
        (folder / "parts").unlink(missing_ok=True)
        draft = folder / f"size-{uuid4().hex}"
        draft.write_text(f"{size}\n", "ascii")
        draft.replace(folder / "size")
        sync_directory(folder)

    @staticmethod
    def _read_size(folder: Path) -> int | None:
        try:
            text = (folder / "size").read_text("ascii")
        except (FileNotFoundError, NotADirectoryError):
            return None
        return int(text) if text.strip().isdigit() else None

    @staticmethod
    def _require_complete(state: UploadState, expected_size: int) -> None:
        check_size(expected_size, state.size)
        with state.lock:
            present = state.offset()
        if present != state.size:
            raise InvalidInput(
                f"The upload lacks bytes from {present} on, of {state.size}. Send them, then finish.",
                code="upload_incomplete",
                expected=state.size,
                actual=present,
            )

    def _publish(self, state: UploadState, digest: str) -> None:
        target = self._destination(digest)
        if target.exists():
            return
        descriptor = os.open(state.data, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, state.size)
            os.fchmod(descriptor, 0o440)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        publish(state.data, target)

    def _remove(self, upload_id: str) -> None:
        """Removes the announced size first, so that a crash leaves no upload that looks alive."""
        folder = self._folder(upload_id)
        with self._lock, storage_errors():
            (folder / "size").unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            self._states.pop(upload_id, None)


def _last_write(folder: Path) -> float:
    times: list[float] = []
    for name in (".", "data", "parts", "size"):
        with suppress(FileNotFoundError):
            times.append((folder / name).stat().st_mtime)
    return max(times, default=math.inf)  # without any it was finished just now
