"""A shard on its way in, until its turn comes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

from modelkeep.blobs.files import storage_errors
from modelkeep.blobs.xet.shard_format import MAX_SHARD_BYTES, shard_too_large

_IN_MEMORY = 1 << 20


class ShardSpool:
    """Bytes in memory where they are few, as most are, otherwise in a temporary file. Calls block.

    Args:
        announced: How many bytes will come, as far as is known.

    Raises:
        TooLarge: That is more than a shard may have (``shard_too_large``).
    """

    def __init__(self, announced: int = 0) -> None:
        if announced > MAX_SHARD_BYTES:
            raise shard_too_large()
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by take or abort
        self._size = 0

    def write_batch(self, chunks: Sequence[bytes]) -> None:
        """Takes bytes in order.

        Raises:
            TooLarge: These are more than a shard may have (``shard_too_large``).
            Unavailable: The disk is full or failing.
        """
        self._size += sum(map(len, chunks))
        if self._size > MAX_SHARD_BYTES:
            raise shard_too_large()
        with storage_errors():
            self._file.writelines(chunks)

    def abort(self) -> None:
        """Forgets them."""
        self._file.close()

    def take(self) -> bytes:
        """Gives all bytes, once.

        Raises:
            Unavailable: The disk is failing.
        """
        with storage_errors(), self._file as file:
            file.seek(0)
            return file.read()
