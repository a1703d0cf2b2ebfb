"""The two names of a file's content: its SHA-256 (Git LFS, and what people compare) and its Git blob id."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

CHUNK = 1024 * 1024
"""Bytes read, hashed or sent at a time: memory stays constant whatever the file's size."""


class Digests:
    """Computes both while the bytes pass by. A Git blob's id needs the size before the first byte.

    Args:
        size: Of the whole content, in bytes.
        with_blob_id: False leaves the Git blob id out, to save its time for content that LFS keeps.
    """

    def __init__(self, size: int, *, with_blob_id: bool) -> None:
        self._sha256 = hashlib.sha256()
        self._blob = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False) if with_blob_id else None

    def update(self, chunk: bytes) -> None:
        """Takes the next bytes."""
        self._sha256.update(chunk)
        if self._blob is not None:
            self._blob.update(chunk)

    @property
    def sha256(self) -> str:
        """Of what has passed, in hexadecimal."""
        return self._sha256.hexdigest()

    @property
    def blob_id(self) -> str:
        """The Git blob id (object format SHA-1) if what has passed is all; empty where it was left out."""
        return self._blob.hexdigest() if self._blob is not None else ""


def digest_open_file(
    descriptor: int, size: int, *, with_blob_id: bool, each: Callable[[int], None]
) -> Digests:
    """Hashes an open file from where it stands to its end, or to ``size`` bytes, whichever comes first.

    Args:
        descriptor: Open for reading.
        size: That the content should have.
        with_blob_id: See :class:`Digests`.
        each: Called after each chunk with the bytes so far; may raise to stop.
    """
    digests = Digests(size, with_blob_id=with_blob_id)
    done = 0
    while done < size:
        chunk = os.read(descriptor, min(CHUNK, size - done))
        if not chunk:
            break
        digests.update(chunk)
        done += len(chunk)
        each(done)
    return digests
