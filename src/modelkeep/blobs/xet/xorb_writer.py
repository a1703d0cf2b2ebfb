"""One xorb on its way into the store: checked and written as it comes, visible only when whole and right."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from modelkeep.blobs.files import WRITE_BACK_BYTES, publish, start_write_back, storage_errors, write_all
from modelkeep.blobs.xet.hashes import XetHash
from modelkeep.blobs.xet.xorb_check import XorbCheck
from modelkeep.blobs.xet.xorb_index import XorbIndex, format_footer
from modelkeep.domain.errors import Unavailable


class XorbWriter:
    """One upload. It ends with one commit or any number of aborts; a cut upload leaves nothing behind.

    Calls come one after another, though from different threads.

    Args:
        expected: The xorb's hash.
        temporary: The file to write to, which must not exist; None only checks the bytes and stores nothing.
        target: Where the xorb belongs.
        on_close: Called once, when the writer is done with the temporary file.
        replaces: Whether what is at the target is damaged, and gives way.
    """

    def __init__(
        self,
        expected: XetHash,
        temporary: Path | None,
        target: Path,
        on_close: Callable[[], None],
        *,
        replaces: bool = False,
    ) -> None:
        self._check = XorbCheck(expected)
        self._temporary = temporary
        self._target = target
        self._on_close = on_close
        self._replaces = replaces
        self._written = 0
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
        """Checks and appends pieces in order. The interpreter lock is free for most of it.

        Raises:
            InvalidInput: This is no xorb (``invalid_xorb``).
            TooLarge: It has too many bytes or chunks (``xorb_too_large``).
            Unavailable: The disk is full or failing.
        """
        if not self._is_open:
            raise ValueError("the writer is closed")
        for chunk in chunks:
            self._check.take(chunk)
        if self._descriptor is None:
            return
        with storage_errors():
            self._written = write_all(self._descriptor, chunks, self._written)
            if self._written - self._written_back >= WRITE_BACK_BYTES:
                start_write_back(self._descriptor, self._written_back, self._written)
                self._written_back = self._written

    def commit(self) -> tuple[XorbIndex, bool]:
        """Makes the xorb durable, then visible, in one step; says also whether it is new here.

        Raises:
            InvalidInput: The xorb is cut (``invalid_xorb``) or another one (``xorb_mismatch``). Nothing is kept.
            Unavailable: The disk is full or failing.
        """
        if not self._is_open:
            raise ValueError("the writer is closed")
        try:
            index = self._check.finish()
            with storage_errors():
                is_new = self._publish(index)
        except BaseException:
            self.abort()
            raise
        self._close()
        return index, is_new

    def abort(self) -> None:
        """Forgets what was written. Does nothing after a commit."""
        if not self._is_open:
            return
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
        self._close()

    def _publish(self, index: XorbIndex) -> bool:
        if self._temporary is None or self._descriptor is None:
            if self._target.exists():
                return False
            raise Unavailable(
                "The xorb was removed from the hub while it was being checked. Send it again.",
                code="blob_removed",
            )
        if self._target.exists() and not self._replaces:
            self._temporary.unlink()
            return False
        os.ftruncate(self._descriptor, index.packed_size)
        write_all(self._descriptor, (format_footer(index),), index.packed_size)
        os.fsync(self._descriptor)
        publish(self._temporary, self._target)
        return True

    def _close(self) -> None:
        self._is_open = False
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._on_close()
