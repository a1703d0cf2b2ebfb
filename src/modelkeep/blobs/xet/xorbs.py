"""Xorbs as plain files of this machine.

::

    ROOT/ab/<hash>       a xorb as it was sent, and behind it the footer that says where its chunks are
    ROOT/tmp/            xorbs on their way in

A file appears when all of it was checked, and never changes; its time says when it was last of use.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from modelkeep.blobs.files import make_directory, names_in, storage_errors, sweep_folder
from modelkeep.blobs.local import LocalReader
from modelkeep.blobs.xet.hashes import XetHash, parse_hash
from modelkeep.blobs.xet.memo import Memo
from modelkeep.blobs.xet.xorb_format import HEADER_BYTES, invalid_xorb, read_header, unpack
from modelkeep.blobs.xet.xorb_index import LENGTH_BYTES, MAX_FOOTER_BYTES, XorbIndex, parse_footer
from modelkeep.blobs.xet.xorb_writer import XorbWriter
from modelkeep.domain.errors import InvalidInput, NotFound, Unavailable

_READ_BYTES = 1 << 20
_MEMO_CHUNKS = 1 << 20
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SHARDS = tuple(f"{number:02x}" for number in range(256))


class XorbStore:
    """The xorbs in a folder, which is created if missing. One process writes to it at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._temporary = self._root / "tmp"
        self._live: set[str] = set()
        self._live_lock = threading.Lock()
        self._indexes: Memo[tuple[XorbIndex, tuple[int, int]]] = Memo(_MEMO_CHUNKS)
        with storage_errors():
            make_directory(self._temporary)

    def begin(self, expected: XetHash) -> XorbWriter:
        """Starts an upload. Where the xorb is here already, the bytes are only checked; a damaged one is replaced."""
        target = self._locate(expected)
        is_damaged = False
        try:
            is_here = self.index(expected) is not None
        except Unavailable as error:
            if error.code != "blob_damaged":
                raise
            is_here, is_damaged = False, True
        if is_here:
            self.touch(expected)
            return XorbWriter(expected, None, target, on_close=lambda: None)
        name = uuid4().hex
        with self._live_lock:
            self._live.add(name)
        try:
            return XorbWriter(
                expected,
                self._temporary / name,
                target,
                on_close=lambda: self._forget(name),
                replaces=is_damaged,
            )
        except BaseException:
            self._forget(name)
            raise

    def index(self, name: XetHash) -> XorbIndex | None:
        """Returns where the chunks of a xorb are, or None where there is no such xorb.

        Raises:
            Unavailable: Its file is damaged (``blob_damaged``).
        """
        with storage_errors():
            try:
                descriptor = os.open(self._locate(name), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            try:
                return self._index(descriptor, name)
            finally:
                os.close(descriptor)

    def path(self, name: XetHash) -> Path | None:
        """Returns the file of a xorb, or None where there is none. Its footer follows the bytes that were sent."""
        path = self._locate(name)
        return path if path.is_file() else None

    def open_packed(self, name: XetHash, start: int = 0, stop: int | None = None) -> LocalReader:
        """Opens the xorb as it was sent, without a footer, from ``start`` up to, not including, ``stop``.

        Raises:
            NotFound: There is no such xorb.
        """
        size = self._require(name).packed_size
        return LocalReader(self._open(name), max(start, 0), size if stop is None else min(stop, size))

    def read_chunks(self, name: XetHash, first: int, stop: int) -> Iterator[bytes]:
        """Yields the chunks ``first`` up to, not including, ``stop``, unpacked. About 1 MiB is read at a time.

        Raises:
            NotFound: There is no such xorb.
            Unavailable: It is damaged (``blob_damaged``).
        """
        descriptor, index = self.open_file(name)
        try:
            if not 0 <= first <= stop <= index.count:
                raise InvalidInput(f"The xorb {name} has {index.count} chunks.", code="invalid_chunk_range")
            while first < stop:
                last = index.run_end(first, stop, _READ_BYTES)
                yield from map(bytes, read_run(descriptor, index, first, last))
                first = last
        finally:
            os.close(descriptor)

    def open_file(self, name: XetHash) -> tuple[int, XorbIndex]:
        """Opens a xorb's file: its descriptor, which the caller closes, and its index.

        Raises:
            NotFound: There is no such xorb.
        """
        descriptor = self._open(name)
        try:
            with storage_errors():
                return descriptor, self._index(descriptor, name)
        except BaseException:
            os.close(descriptor)
            raise

    def touch(self, name: XetHash) -> None:
        """Notes that a xorb is of use now. Does nothing where there is none."""
        with storage_errors():
            try:
                os.utime(self._locate(name))
            except FileNotFoundError:
                return

    def age(self, name: XetHash) -> float | None:
        """Returns the seconds since a xorb was last of use (:meth:`touch`), or None where there is none."""
        with storage_errors():
            try:
                return max(time.time() - self._locate(name).stat().st_mtime, 0.0)
            except FileNotFoundError:
                return None

    def delete(self, name: XetHash) -> bool:
        """Removes a xorb; False where there was none."""
        with storage_errors():
            try:
                self._locate(name).unlink()
            except FileNotFoundError:
                return False
            finally:
                self._indexes.forget(name)
        return True

    def iter_hashes(self) -> Iterator[XetHash]:
        """Yields every xorb's hash, in order; other files in the folder are passed over."""
        yield from map(XetHash, names_in(self._root, _SHARDS, _HASH))

    def sweep_temporary(self, older_than: float = 0.0) -> int:
        """Removes what killed uploads left behind, if ``older_than`` seconds old; returns how many."""
        return sweep_folder(self._temporary, older_than, self._is_live)

    def check(self) -> None:
        """Writes and removes a small file.

        Raises:
            Unavailable: The store cannot be written to.
        """
        probe = self._temporary / f"probe-{uuid4().hex}"
        with storage_errors():
            try:
                probe.write_bytes(b"probe")
            finally:
                probe.unlink(missing_ok=True)

    def _index(self, descriptor: int, name: XetHash) -> XorbIndex:
        """The index of an open xorb. Another process may have put it here anew, packed in another way."""
        stat = os.fstat(descriptor)
        file = stat.st_ino, stat.st_size
        known = self._indexes.get(name)
        if known is not None and known[1] == file:
            return known[0]
        index = _read_index(descriptor, name)
        self._indexes.put(name, (index, file), index.count)
        return index

    def _require(self, name: XetHash) -> XorbIndex:
        index = self.index(name)
        if index is None:
            raise _absent(name)
        return index

    def _open(self, name: XetHash) -> int:
        with storage_errors():
            try:
                return os.open(self._locate(name), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                raise _absent(name) from None

    def _locate(self, name: XetHash) -> Path:
        parse_hash(name)
        return self._root / name[:2] / name

    def _is_live(self, name: str) -> bool:
        with self._live_lock:
            return name in self._live

    def _forget(self, name: str) -> None:
        with self._live_lock:
            self._live.discard(name)


def read_run(descriptor: int, index: XorbIndex, first: int, stop: int) -> Iterator[bytes | memoryview]:
    """Yields the chunks ``first`` up to ``stop`` of an open xorb, unpacked; all are read at once.

    Raises:
        Unavailable: The file is damaged (``blob_damaged``).
    """
    start, end = index.packed_range(first, stop)
    with storage_errors():
        data = memoryview(os.pread(descriptor, end - start, start))
    if len(data) < end - start:
        raise _damaged(index.hash)
    try:
        for number in range(first, stop):
            at, after = (place - start for place in index.packed_range(number, number + 1))
            header = read_header(data, at, number)
            unpacked = index.unpacked_range(number, number + 1)
            if header.packed != after - at - HEADER_BYTES or header.unpacked != unpacked[1] - unpacked[0]:
                raise _damaged(index.hash)
            yield unpack(header, data[at + HEADER_BYTES : after], number)
    except InvalidInput:
        raise _damaged(index.hash) from None


def _read_index(descriptor: int, name: XetHash) -> XorbIndex:
    size = os.fstat(descriptor).st_size
    length = os.pread(descriptor, LENGTH_BYTES, max(size - LENGTH_BYTES, 0))
    footer = min(int.from_bytes(length, "little"), MAX_FOOTER_BYTES) + LENGTH_BYTES
    try:
        index = parse_footer(os.pread(descriptor, footer, max(size - footer, 0)), name)
        if index.packed_size != size - footer:
            raise invalid_xorb("its chunks do not fill it")
    except InvalidInput:
        raise _damaged(name) from None
    return index


def _absent(name: XetHash) -> NotFound:
    return NotFound(f"The hub does not have the xorb {name}.", code="xorb_not_found", xorb=name)


def _damaged(name: XetHash) -> Unavailable:
    return Unavailable(
        f"The hub's copy of the xorb {name} is damaged. Its operator can restore it from a backup.",
        code="blob_damaged",
        xorb=name,
    )
