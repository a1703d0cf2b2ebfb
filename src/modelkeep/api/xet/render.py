"""Plans of files as the protocol writes them. Ends of chunk ranges are exclusive, ends of byte ranges inclusive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from modelkeep.services.xet_reconstruction import Fetch, Reconstruction

SPANS_OF_URL = 32
"""Ranges that one address opens: it must fit where URLs go."""

Spans = Sequence[tuple[int, int]]
UrlOf = Callable[[str, Spans], str]
"""Makes the address that opens these bytes of a xorb."""


def plan(found: Reconstruction, url_of: UrlOf) -> dict[str, object]:
    """A plan in version 2: an address for many ranges of a xorb."""
    return {
        "offset_into_first_range": found.offset,
        "terms": _terms(found),
        "xorbs": {
            xorb: [
                {"url": url_of(xorb, _spans(some)), "ranges": [_range(fetch) for fetch in some]}
                for some in _groups(fetches)
            ]
            for xorb, fetches in found.fetches.items()
        },
    }


def plan_v1(found: Reconstruction, url_of: UrlOf) -> dict[str, object]:
    """A plan in version 1: an address for each range."""
    return {
        "offset_into_first_range": found.offset,
        "terms": _terms(found),
        "fetch_info": {
            xorb: [
                {
                    "range": {"start": fetch.first, "end": fetch.stop},
                    "url": url_of(xorb, _spans([fetch])),
                    "url_range": {"start": fetch.start, "end": fetch.end - 1},
                }
                for fetch in fetches
            ]
            for xorb, fetches in found.fetches.items()
        },
    }


def _terms(found: Reconstruction) -> list[dict[str, object]]:
    return [
        {
            "hash": piece.xorb,
            "unpacked_length": piece.length,
            "range": {"start": piece.first, "end": piece.stop},
        }
        for piece in found.pieces
    ]


def _range(fetch: Fetch) -> dict[str, object]:
    return {
        "chunks": {"start": fetch.first, "end": fetch.stop},
        "bytes": {"start": fetch.start, "end": fetch.end - 1},
    }


def _spans(fetches: Sequence[Fetch]) -> Spans:
    return [(fetch.start, fetch.end) for fetch in fetches]


def _groups(fetches: Sequence[Fetch]) -> Iterator[Sequence[Fetch]]:
    for start in range(0, len(fetches), SPANS_OF_URL):
        yield fetches[start : start + SPANS_OF_URL]
