"""Pages of long lists: a page knows where the next one starts."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Generic, TypeVar

from modelkeep.domain.errors import InvalidInput

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000

CursorKey = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: at most ``limit`` rows, after the row whose sort key is ``after`` (None: from the start)."""

    limit: int = DEFAULT_LIMIT
    after: CursorKey | None = None

    @classmethod
    def parse(cls, limit: int | None, cursor: str | None, maximum: int = MAX_LIMIT) -> PageRequest:
        """Checks what a client asked for.

        Raises:
            InvalidInput: The limit is not between 1 and ``maximum``, or the cursor is none that the hub gave.
        """
        if limit is not None and not 1 <= limit <= maximum:
            raise InvalidInput(f"limit must be between 1 and {maximum}.", code="invalid_limit")
        return cls(limit or DEFAULT_LIMIT, decode_cursor(cursor) if cursor else None)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list; ``next_cursor`` is None on the last page, ``total`` where it is known."""

    items: tuple[T, ...]
    next_cursor: str | None = None
    total: int | None = None


def encode_cursor(key: CursorKey) -> str:
    """Makes an opaque cursor of a sort key."""
    return (
        base64.urlsafe_b64encode(json.dumps(list(key), separators=(",", ":")).encode()).decode().rstrip("=")
    )


def decode_cursor(text: str) -> CursorKey:
    """Reads a cursor back.

    Raises:
        InvalidInput: It is none of :func:`encode_cursor`.
    """
    try:
        if len(text) > 2000:
            raise ValueError
        key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(key, list) or not all(
            part is None or (isinstance(part, (str, int)) and not isinstance(part, bool)) for part in key
        ):
            raise ValueError
    except (ValueError, binascii.Error, UnicodeDecodeError, RecursionError):
        raise InvalidInput(
            "This cursor is none of the hub's; start again without it.", code="invalid_cursor"
        ) from None
    return tuple(key)


def page_of(rows: list[tuple[CursorKey, T]], limit: int) -> Page[T]:
    """Makes a page of rows that were read with ``limit + 1``: the surplus row only says that there is more."""
    kept = rows[:limit]
    cursor = encode_cursor(kept[-1][0]) if len(rows) > limit and kept else None
    return Page(tuple(row for _, row in kept), cursor)
