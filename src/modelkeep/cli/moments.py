"""Times that people write: ``2026-03-01``, ``2026-03-01T09:00Z``, ``7d`` (ago)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeAlias

import typer

from modelkeep.cli.durations import parse_duration
from modelkeep.cli.output import note

At: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--at",
        help="As it was then: a date, a date and time (yours, unless it has a zone), or 7d for a week ago.",
        metavar="TIME",
    ),
]
Since: TypeAlias = Annotated[
    str | None, typer.Option("--since", help="Not before: a date, a date and time, or 7d.", metavar="TIME")
]
Until: TypeAlias = Annotated[
    str | None, typer.Option("--until", help="Not after: a date, a date and time, or 7d.", metavar="TIME")
]


def parse_moment(text: str | None, *, now: datetime | None = None) -> datetime | None:
    """Reads a time; what has no zone is in this machine's, and a date is its first instant. None stays None.

    Raises:
        typer.BadParameter: It is none.
    """
    if text is None:
        return None
    present = now or datetime.now().astimezone()
    written = text.strip()
    if written.lower() in ("now", "today", "yesterday"):
        day = present.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        return {
            "now": present,
            "today": day.astimezone(),
            "yesterday": (day - timedelta(days=1)).astimezone(),
        }[written.lower()]
    try:
        moment = datetime.fromisoformat(written)
        return moment if moment.tzinfo else moment.astimezone()
    except (ValueError, OverflowError, OSError):
        pass
    try:
        ago = parse_duration(written)
        return present - ago if ago is not None else present
    except (typer.BadParameter, OverflowError):
        raise typer.BadParameter(
            f"{text[:40]!r} is no time; write 2026-03-01, 2026-03-01T09:00, 2026-03-01T09:00Z or 7d (ago)."
        ) from None


def tell_moment(what: str, moment: datetime | None) -> None:
    """Says how a time was understood, in its own zone and in UTC, beside the output."""
    if moment is None:
        return
    own = moment.strftime("%Y-%m-%d %H:%M:%S %z")
    utc = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    note(f"{what} {utc}" if moment.utcoffset() == timedelta(0) else f"{what} {own} ({utc})")
