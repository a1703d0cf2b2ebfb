"""Files as recipes: which chunks of which xorbs, one after another, are the file.

::

    ROOT/ab/<oid>        the recipe of the file with that oid
    ROOT/tmp/            recipes being written

A recipe is a head (magic, file hash, size, number of terms), 44 bytes for each term, and a checksum over these and the
oid. All numbers are little-endian.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from modelkeep.blobs.files import delete_file, make_directory, names_in, publish, storage_errors, sweep_folder
from modelkeep.blobs.xet.hashes import XetHash, of_bytes, to_bytes
from modelkeep.domain.errors import Unavailable
from modelkeep.domain.lfs import Oid

_MAGIC = b"MKRECIP1"
_HEAD = struct.Struct("<8s32sQQ")
_TERM = struct.Struct("<32sIII")
_CHECK_BYTES = 16
_OID = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SHARDS = tuple(f"{number:02x}" for number in range(256))


@dataclass(frozen=True, slots=True)
class Term:
    """The chunks ``first`` up to, not including, ``stop`` of a xorb; ``length`` bytes once unpacked."""

    xorb: XetHash
    first: int
    stop: int
    length: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """A file: its oid (SHA-256), size in bytes, Xet file hash, and terms in order."""

    oid: str
    size: int
    file_hash: XetHash
    terms: tuple[Term, ...]


class RecipeStore:
    """The recipes in a folder, which is created if missing."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._temporary = self._root / "tmp"
        with storage_errors():
            make_directory(self._temporary)

    def put(self, recipe: Recipe) -> None:
        """Stores a recipe durably, in one step; it replaces one that is there.

        Raises:
            ValueError: Its terms do not have its size.
            Unavailable: The disk is full or failing.
        """
        if sum(term.length for term in recipe.terms) != recipe.size:
            raise ValueError("the terms of a recipe have another length than the file")
        target, temporary = self._locate(recipe.oid), self._temporary / uuid4().hex
        with storage_errors():
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                with os.fdopen(os.open(temporary, flags, 0o440), "wb") as file:
                    file.write(_format(recipe))
                    file.flush()
                    os.fsync(file.fileno())
                publish(temporary, target)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise

    def get(self, oid: str) -> Recipe | None:
        """Returns the recipe of a file, or None where there is none.

        Raises:
            Unavailable: It is damaged (``blob_damaged``).
        """
        with storage_errors():
            try:
                data = self._locate(oid).read_bytes()
            except FileNotFoundError:
                return None
        return _parse(oid, data)

    def size(self, oid: str) -> int | None:
        """Returns the size of a file, from the head of its recipe alone; None where there is none.

        Raises:
            Unavailable: It is damaged (``blob_damaged``).
        """
        with storage_errors():
            try:
                with self._locate(oid).open("rb", buffering=0) as file:
                    head = file.read(_HEAD.size)
            except FileNotFoundError:
                return None
        return _parse_head(oid, head)[1]

    def path(self, oid: str) -> Path:
        """Returns where the recipe of a file is, or would be."""
        return self._locate(oid)

    def delete(self, oid: str) -> bool:
        """Removes a recipe; False where there was none. The xorbs stay."""
        return delete_file(self._locate(oid))

    def iter_oids(self) -> Iterator[str]:
        """Yields the oid of every recipe, in order; other files in the folder are passed over."""
        yield from names_in(self._root, _SHARDS, _OID)

    def sweep_temporary(self, older_than: float = 0.0) -> int:
        """Removes what killed writes left behind, if ``older_than`` seconds old; returns how many."""
        return sweep_folder(self._temporary, older_than)

    def _locate(self, oid: str) -> Path:
        name = Oid.parse(oid)
        return self._root / name[:2] / name


def _format(recipe: Recipe) -> bytes:
    head = _HEAD.pack(_MAGIC, to_bytes(recipe.file_hash), recipe.size, len(recipe.terms))
    terms = [_TERM.pack(to_bytes(term.xorb), term.first, term.stop, term.length) for term in recipe.terms]
    body = b"".join((head, *terms))
    return body + _checksum(recipe.oid, body)


def _parse(oid: str, data: bytes) -> Recipe:
    file_hash, size, count = _parse_head(oid, data)
    body = data[:-_CHECK_BYTES]
    if len(body) != _HEAD.size + count * _TERM.size or _checksum(oid, body) != data[-_CHECK_BYTES:]:
        raise _damaged(oid)
    terms = tuple(
        Term(of_bytes(xorb), first, stop, length)
        for xorb, first, stop, length in _TERM.iter_unpack(body[_HEAD.size :])
    )
    return Recipe(oid, size, file_hash, terms)


def _parse_head(oid: str, data: bytes) -> tuple[XetHash, int, int]:
    if len(data) < _HEAD.size:
        raise _damaged(oid)
    magic, file_hash, size, count = _HEAD.unpack_from(data)
    if magic != _MAGIC:
        raise _damaged(oid)
    return of_bytes(file_hash), size, count


def _checksum(oid: str, body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_CHECK_BYTES, key=bytes.fromhex(oid)).digest()


def _damaged(oid: str) -> Unavailable:
    return Unavailable(
        "The hub's record of this object's chunks is damaged. Its operator can restore it from a backup.",
        code="blob_damaged",
        oid=oid,
    )
