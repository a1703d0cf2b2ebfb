"""Range and conditional requests on content that has a strong ETag (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_SINGLE = re.compile(r"[ \t]*([0-9]{0,19})[ \t]*-[ \t]*([0-9]{0,19})[ \t]*", re.ASCII)
_ETAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes ``start`` up to, not including, ``stop``."""

    start: int
    stop: int


UNSATISFIABLE = ByteRange(0, 0)
"""The one empty range: what was asked for lies behind the end."""


def parse_range(value: str, size: int) -> ByteRange | None:
    """Reads a Range header for content of ``size`` bytes.

    None means to send the whole: the header is malformed, of another unit, or asks for several ranges (which
    a server may answer so, and which would cost it more than they bring). :data:`UNSATISFIABLE` calls for a
    416.
    """
    unit, equals, rest = value.partition("=")
    match = _SINGLE.fullmatch(rest)
    if not equals or unit.strip().lower() != "bytes" or match is None:
        return None
    first, last = match.groups()
    if first:
        start = int(first)
        stop = min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
        return ByteRange(start, stop) if start < size else UNSATISFIABLE
    if not last:
        return None
    length = min(int(last), size)
    return ByteRange(size - length, size) if length else UNSATISFIABLE


def is_not_modified(headers: Mapping[str, str], etag: str) -> bool:
    """Says whether If-None-Match names ``etag`` (given without quotes), compared weakly."""
    value = headers.get("if-none-match")
    return value is not None and (value.strip() == "*" or etag in _ETAG.findall(value))


def requested_range(headers: Mapping[str, str], etag: str, size: int) -> ByteRange | None:
    """Returns what Range asks for, unless If-Range names another ``etag`` (given without quotes)."""
    value = headers.get("range")
    condition = headers.get("if-range")
    if value is None or (condition is not None and condition.strip() != f'"{etag}"'):
        return None
    return parse_range(value, size)
