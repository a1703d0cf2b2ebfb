"""Moments, as people write them: a date, or a time with its zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from modelkeep.domain.errors import InvalidInput

_FORM = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
    r"(?P<zone>[Zz]|[+\- ][0-9]{2}:[0-9]{2}))?",
    re.ASCII,
)


def parse_moment(text: str) -> datetime:
    """Reads ``2026-03-01``, ``2026-03-01T09:00Z``, ``2026-03-01T10:00:00+01:00``.

    A date alone is its first instant in UTC. A blank before the offset is a plus sign that somebody did not encode.

    Raises:
        InvalidInput: It is no such time.
    """
    match = _FORM.fullmatch(text.strip())
    if match is not None:
        date, time, zone = match["date"], match["time"] or "00:00", match["zone"] or "Z"
        offset = "+00:00" if zone in "Zz" else zone.replace(" ", "+")
        try:
            return datetime.fromisoformat(f"{date}T{time}{offset}").astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise InvalidInput(
        f"{text[:40]!r} is not a time; write 2026-03-01 (its first instant in UTC), 2026-03-01T09:00Z or "
        "2026-03-01T10:00:00+01:00.",
        code="invalid_time",
    )
