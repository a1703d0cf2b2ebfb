"""How a client builds a range of a file: which chunks of which xorbs, in order, and where their bytes are."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from modelkeep.blobs.xet.hashes import XetHash
from modelkeep.blobs.xet.recipes import Recipe
from modelkeep.blobs.xet.xorb_index import XorbIndex
from modelkeep.domain.errors import InvalidInput, NotFound


@dataclass(frozen=True, slots=True)
class Piece:
    """Chunks ``first`` up to, not including, ``stop`` of a xorb, ``length`` bytes unpacked."""

    xorb: XetHash
    first: int
    stop: int
    length: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """Chunks of a xorb to be fetched together, and their bytes as sent: ``start`` up to, not including, ``end``."""

    first: int
    stop: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """The pieces of a range, in order; its first byte is ``offset`` bytes into the first piece.

    ``fetches`` has what to fetch of each xorb, in order: each piece is within one of them.
    """

    offset: int
    pieces: tuple[Piece, ...]
    fetches: dict[XetHash, tuple[Fetch, ...]]


def reconstruct(
    recipe: Recipe, index_of: Callable[[XetHash], XorbIndex | None], first: int, last: int | None
) -> Reconstruction:
    """Plans the bytes ``first`` to ``last`` (inclusive; None for the end) of a file.

    Raises:
        InvalidInput: The file ends before ``first``, or ``last`` lies before it (``range_not_satisfiable``).
        NotFound: A xorb is gone (``xorb_missing``).
    """
    stop = recipe.size if last is None else min(last + 1, recipe.size)
    if first >= stop and (first, recipe.size) != (0, 0):
        raise InvalidInput(
            f"The file has {recipe.size} bytes; there are none from {first} on.",
            code="range_not_satisfiable",
            size=recipe.size,
        )
    indexes: dict[XetHash, XorbIndex] = {}
    pieces: list[Piece] = []
    offset = 0
    for piece, skipped in _cut(recipe, _finder(index_of, indexes), first, stop):
        offset = skipped if not pieces else offset
        pieces.append(piece)
    return Reconstruction(offset, tuple(pieces), _fetches(pieces, indexes))


def _finder(
    index_of: Callable[[XetHash], XorbIndex | None], known: dict[XetHash, XorbIndex]
) -> Callable[[XetHash], XorbIndex]:
    def find(xorb: XetHash) -> XorbIndex:
        if xorb not in known:
            index = index_of(xorb)
            if index is None:
                raise NotFound("A part of this file is missing in the hub's store.", code="xorb_missing")
            known[xorb] = index
        return known[xorb]

    return find


def _cut(
    recipe: Recipe, find: Callable[[XetHash], XorbIndex], first: int, stop: int
) -> Iterator[tuple[Piece, int]]:
    """The terms that hold the range, cut to the chunks that do; with each how many bytes lie before the range."""
    ends = list(accumulate(term.length for term in recipe.terms))
    for number in range(bisect_right(ends, first), len(ends)):
        term = recipe.terms[number]
        begin = ends[number] - term.length
        if begin >= stop:
            return
        index = find(term.xorb)
        low, high = term.first, term.stop
        base = index.unpacked_ends[low - 1] if low else 0
        if first > begin:
            low = bisect_right(index.unpacked_ends, base + first - begin, low, high)
        if stop < ends[number]:
            high = bisect_left(index.unpacked_ends, base + stop - begin, low, high) + 1
        start = index.unpacked_ends[low - 1] if low else 0
        length = index.unpacked_ends[high - 1] - start
        yield Piece(term.xorb, low, high, length), max(first - begin - (start - base), 0)


def _fetches(pieces: list[Piece], indexes: dict[XetHash, XorbIndex]) -> dict[XetHash, tuple[Fetch, ...]]:
    """The pieces of each xorb, with those that touch or overlap made one."""
    wanted: dict[XetHash, list[tuple[int, int]]] = {}
    for piece in pieces:
        wanted.setdefault(piece.xorb, []).append((piece.first, piece.stop))
    found: dict[XetHash, tuple[Fetch, ...]] = {}
    for xorb, spans in wanted.items():
        merged: list[tuple[int, int]] = []
        for first, stop in sorted(spans):
            if merged and first <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
            else:
                merged.append((first, stop))
        ends = indexes[xorb].packed_ends
        found[xorb] = tuple(
            Fetch(first, stop, ends[first - 1] if first else 0, ends[stop - 1]) for first, stop in merged
        )
    return found
