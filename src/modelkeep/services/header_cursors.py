"""Reading the headers of files from foreign bytes: forwards, in small windows, within limits."""

from __future__ import annotations

from typing import Protocol

from modelkeep.domain.errors import InvalidInput

MAX_READ = 64 << 20
"""Bytes that are read of one file at most."""

MAX_WINDOWS = 20_000
MAX_PARAMETERS = 1 << 60
_LEAST_WINDOW = 4 << 10
_MOST_WINDOW = 256 << 10


class Source(Protocol):
    """A file whose bytes can be read anywhere."""

    @property
    def size(self) -> int:
        """In bytes."""

    def read(self, start: int, length: int) -> bytes:
        """The bytes from ``start`` on, fewer than ``length`` only at the end of the file."""


class BytesSource:
    """A file that is in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self._data)

    def read(self, start: int, length: int) -> bytes:
        """The bytes from ``start`` on."""
        return self._data[start : start + length]


def fault(reason: str) -> InvalidInput:
    """That a header cannot be read; ``reason`` finishes "The header of this file cannot be read: "."""
    return InvalidInput(f"The header of this file cannot be read: {reason}.", code="unreadable_header")


class Cursor:
    """A place in a source.

    What is skipped is not read: the window over the source begins small after a skip, and grows while bytes are taken
    one after the other.

    Raises:
        InvalidInput: Any of its methods, with code ``unreadable_header``: at the end of the file, or at a limit.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._window = b""
        self._begin = 0
        self._next_size = _LEAST_WINDOW
        self._read = 0
        self._windows = 0
        self.size = source.size
        self.position = 0

    def take(self, length: int) -> bytes:
        """The next bytes."""
        start = self.position - self._begin
        if not 0 <= start <= start + length <= len(self._window):
            self._load(length)
            start = 0
        self.position += length
        return self._window[start : start + length]

    def skip(self, length: int) -> None:
        """Passes over bytes."""
        self.go(self.position + length)

    def go(self, position: int) -> None:
        """Goes to a place farther on."""
        if not self.position <= position <= self.size:
            raise fault("it ends too early")
        self.position = position

    def number(self, length: int, order: str = "little") -> int:
        """The next bytes as a number without a sign."""
        return int.from_bytes(self.take(length), "big" if order == "big" else "little")

    def varint(self) -> int:
        """A number of up to 64 bits as Protocol Buffers write it (base 128, least significant group first)."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFF_FFFF_FFFF_FFFF
        raise fault(f"the number at byte {self.position} is too long")

    def _load(self, length: int) -> None:
        if self.position + length > self.size:
            raise fault("it ends too early")
        is_next = self.position <= self._begin + len(self._window)
        self._next_size = min(self._next_size * 2, _MOST_WINDOW) if is_next else _LEAST_WINDOW
        wanted = max(length, self._next_size)
        self._read += min(wanted, self.size - self.position)
        self._windows += 1
        if self._read > MAX_READ or self._windows > MAX_WINDOWS:
            raise fault(f"it is larger than {MAX_READ >> 20} MiB, or scattered over the file")
        self._begin = self.position
        self._window = self._source.read(self.position, wanted)
        if len(self._window) < length:
            raise fault("it ends too early")


def text_of(data: bytes) -> str:
    """Bytes as text that every database and JSON can hold."""
    return data.decode("utf-8", "replace").replace("\0", "\ufffd")
