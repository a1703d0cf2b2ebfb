"""Hashes of the Xet protocol: keyed BLAKE3, written in a hexadecimal form of its own.

Source: the Xet protocol specification, "Hashing" and "Converting hashes to strings". The keys are published there.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import NewType

from blake3 import blake3

from modelkeep.domain.errors import InvalidInput

XetHash = NewType("XetHash", str)
"""A hash in the protocol's text form: four little-endian 64-bit numbers, each as 16 lower-case hexadecimal digits."""

HASH_BYTES = 32

_DATA_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
_NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
_VERIFICATION_KEY = bytes.fromhex("7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3")
_FILE_KEY = bytes(HASH_BYTES)

_TEXT = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NUMBERS = struct.Struct("<4Q")


def parse_hash(text: object) -> XetHash:
    """Checks that ``text`` is a hash in the protocol's form.

    Raises:
        InvalidInput: It is not 64 lower-case hexadecimal characters (``invalid_hash``).
    """
    if not isinstance(text, str) or not _TEXT.fullmatch(text):
        raise InvalidInput("A hash is 64 lower-case hexadecimal characters.", code="invalid_hash")
    return XetHash(text)


def to_bytes(text: XetHash) -> bytes:
    """Returns the 32 bytes that a hash stands for."""
    return _NUMBERS.pack(*(int(text[at : at + 16], 16) for at in range(0, 64, 16)))


def of_bytes(raw: bytes) -> XetHash:
    """Writes 32 bytes in the protocol's text form."""
    return XetHash("{:016x}{:016x}{:016x}{:016x}".format(*_NUMBERS.unpack(raw)))


def chunk_hash(data: bytes | memoryview) -> bytes:
    """Returns the hash of a chunk's bytes, unpacked. The interpreter lock is free meanwhile."""
    return blake3(data, key=_DATA_KEY).digest()


def node_hash(text: bytes) -> bytes:
    """Returns the hash of an inner node of the Merkle tree, from the lines about its children."""
    return blake3(text, key=_NODE_KEY).digest()


def salted_file_hash(root: bytes) -> bytes:
    """Returns the hash of a file from the root over its chunks."""
    return blake3(root, key=_FILE_KEY).digest()


def verification_hash(chunk_hashes: Sequence[bytes]) -> bytes:
    """Returns the hash with which an uploader proves that it knows the chunks of a term."""
    return blake3(b"".join(chunk_hashes), key=_VERIFICATION_KEY).digest()


def keyed_hash(raw: bytes, key: bytes) -> bytes:
    """Returns a chunk's hash as a shard with a key of 32 bytes shows it."""
    return blake3(raw, key=key).digest()
