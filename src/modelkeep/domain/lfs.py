"""Git LFS: object ids and pointer files.

Source: the Git LFS specification, docs/spec.md ("The Pointer").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from modelkeep.domain.errors import InvalidInput

POINTER_LIMIT = 1024
"""A pointer file is smaller than this many bytes (specification: "must be less than 1024 bytes")."""

MAX_SIZE = 2**63 - 1

_OID = re.compile(r"[0-9a-f]{64}", re.ASCII)
_VERSIONS = (
    b"https://git-lfs.github.com/spec/v1",
    b"http://git-media.io/v/2",
    b"https://hawser.github.com/spec/v1",
)
_KEYS = (b"version", b"oid", b"size")
_EXTENSION = re.compile(rb"ext-[0-9]-\w")
_SIZE = re.compile(rb"\+?[0-9]{1,19}")


class Oid(str):
    """The SHA-256 of a blob: 64 lower-case hexadecimal characters. Build it with :meth:`parse`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> Oid:
        """Checks that ``text`` is an oid.

        Raises:
            InvalidInput: It is not 64 lower-case hexadecimal characters.
        """
        if not isinstance(text, str) or not _OID.fullmatch(text):
            raise InvalidInput(
                "An object id is 64 lower-case hexadecimal characters (SHA-256).", code="invalid_oid"
            )
        return cls(text)


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer file: the oid and the size in bytes of the blob that stands behind a path."""

    oid: Oid
    size: int


@dataclass(frozen=True, slots=True)
class BlobAccess:
    """That a blob counts as there for somebody in a repo.

    Attributes:
        size: Its size in bytes.
        linked_here: Whether the repo itself holds it; otherwise the actor can read it in another one.
    """

    size: int
    linked_here: bool


@dataclass(frozen=True, slots=True)
class HeldBlob:
    """A blob that a repo holds, and since when."""

    oid: Oid
    size: int
    held_since: datetime


def parse_pointer(content: bytes) -> Pointer | None:
    """Reads a pointer file; None where the bytes are something else.

    It is as lenient as the client, because what the client takes for a pointer must be checked as one: blanks around it
    and empty lines do not count, ``version``, ``oid`` and ``size`` come in this order, extensions (``ext-0-name``)
    among them are passed over. The empty file is no pointer here (the client treats it as one, but it names no object).
    """
    if not 0 < len(content) < POINTER_LIMIT:
        return None
    values: list[bytes] = []
    for line in content.strip().split(b"\n"):
        key, blank, value = line.removesuffix(b"\r").partition(b" ")
        if not key and not blank:
            continue
        if not blank or len(values) == len(_KEYS):
            return None
        if key == _KEYS[len(values)]:
            values.append(value)
        elif not _EXTENSION.match(key):
            return None
    return _pointer(*values) if len(values) == len(_KEYS) else None


def _pointer(version: bytes, oid: bytes, size: bytes) -> Pointer | None:
    algorithm, _, digest = oid.partition(b":")
    if version not in _VERSIONS or algorithm != b"sha256" or not _SIZE.fullmatch(size):
        return None
    text = digest.decode("ascii", "replace")
    if not _OID.fullmatch(text) or int(size) > MAX_SIZE:
        return None
    return Pointer(Oid(text), int(size))


def format_pointer(pointer: Pointer) -> bytes:
    """Writes the pointer file exactly as the client does, so that the same object always makes the same blob."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{pointer.oid}\nsize {pointer.size}\n".encode()
