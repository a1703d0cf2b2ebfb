"""A file out of its xorbs: any range, forwards, with a few chunks in memory at a time."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from types import TracebackType
from typing import Self

from modelkeep.blobs.xet.recipes import Recipe, Term
from modelkeep.blobs.xet.xorb_index import XorbIndex
from modelkeep.blobs.xet.xorbs import XorbStore, read_run
from modelkeep.domain.errors import NotFound, Unavailable

READ_BYTES = 1 << 20
_LEAST_READ_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class Layout:
    """A recipe, and for each of its terms where it ends in the file."""

    recipe: Recipe
    ends: array[int]


def lay_out(recipe: Recipe) -> Layout:
    """Computes where the terms of a recipe end."""
    return Layout(recipe, array("Q", accumulate(term.length for term in recipe.terms)))


class XorbFileReader:
    """Implements :class:`modelkeep.blobs.ports.BlobReader` on a file's recipe.

    One xorb is open at a time. Bytes are read from it in runs of chunks of about the size asked for; of the last chunk
    of a run the rest is kept for the next call.

    Args:
        xorbs: Where the chunks are.
        layout: The recipe.
        start: The first byte.
        stop: Behind the last byte; at most the file's size.
    """

    def __init__(self, xorbs: XorbStore, layout: Layout, start: int, stop: int) -> None:
        self._xorbs = xorbs
        self._layout = layout
        self._position = start
        self._stop = stop
        self._rest = memoryview(b"")
        self._term = -1
        self._open_file: tuple[int, XorbIndex] | None = None
        self._is_closed = False

    def read(self, limit: int = READ_BYTES) -> bytes:
        """Returns up to ``limit`` bytes; empty at the end of the range.

        Raises:
            Unavailable: A xorb is damaged or gone (``blob_damaged``).
        """
        if self._is_closed:
            raise ValueError("the reader is closed")
        if len(self._rest) == 0 and self._position < self._stop and limit > 0:
            return self._read_run(limit)
        taken = bytes(self._rest[: max(limit, 0)])
        self._rest = self._rest[len(taken) :]
        self._position += len(taken)
        return taken

    def close(self) -> None:
        """Closes the file. May be called twice."""
        self._is_closed = True
        self._rest = memoryview(b"")
        self._close_xorb()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_run(self, limit: int) -> bytes:
        """Reads on from the position, which is in none of the bytes at hand."""
        number = bisect_right(self._layout.ends, self._position)
        term = self._layout.recipe.terms[number]
        descriptor, index = self._open_term(number)
        # Where the position is in the unpacked bytes of the xorb, and where the term or the range ends there.
        term_stop = index.unpacked_range(term.first, term.stop)[1]
        offset = term_stop - (self._layout.ends[number] - self._position)
        stop = min(term_stop, offset + self._stop - self._position)
        first = index.chunk_at(offset)
        wanted = min(offset + max(limit, _LEAST_READ_BYTES), stop)
        last = index.run_end(first, index.chunk_at(wanted - 1) + 1, max(limit, _LEAST_READ_BYTES))
        pieces = [memoryview(piece) for piece in read_run(descriptor, index, first, last)]
        run_start, run_stop = index.unpacked_range(first, last)
        if run_stop > stop:
            pieces[-1] = pieces[-1][: len(pieces[-1]) - (run_stop - stop)]
        pieces[0] = pieces[0][offset - run_start :]
        return self._hand_out(pieces, limit)

    def _hand_out(self, pieces: list[memoryview], limit: int) -> bytes:
        size = sum(len(piece) for piece in pieces)
        data = b"".join(pieces)
        if size > limit:
            self._rest = memoryview(data)[limit:]
            data = data[:limit]
        self._position += len(data)
        return data

    def _open_term(self, number: int) -> tuple[int, XorbIndex]:
        term = self._layout.recipe.terms[number]
        if self._open_file is None or self._open_file[1].hash != term.xorb:
            self._close_xorb()
            try:
                self._open_file = self._xorbs.open_file(term.xorb)
            except NotFound:
                raise self._damaged(term) from None
        index = self._open_file[1]
        if not 0 <= term.first < term.stop <= index.count:
            raise self._damaged(term)
        start, stop = index.unpacked_range(term.first, term.stop)
        if stop - start != term.length:
            raise self._damaged(term)
        return self._open_file

    def _close_xorb(self) -> None:
        if self._open_file is not None:
            os.close(self._open_file[0])
            self._open_file = None

    def _damaged(self, term: Term) -> Unavailable:
        return Unavailable(
            "The hub has not all chunks of this object. Its operator can restore them from a backup.",
            code="blob_damaged",
            oid=self._layout.recipe.oid,
            xorb=term.xorb,
        )
