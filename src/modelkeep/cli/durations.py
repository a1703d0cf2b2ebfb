"""Times that people write: ``30d``, ``12h``, ``never``."""

from __future__ import annotations

import re
from datetime import timedelta

import typer

_FORM = re.compile(r"([1-9][0-9]{0,5})([smhdwy])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}


def parse_duration(text: str) -> timedelta | None:
    """Reads a duration; None for ``never``.

    Raises:
        typer.BadParameter: It is none, or longer than a hundred years.
    """
    if text.strip().lower() == "never":
        return None
    match = _FORM.fullmatch(text.strip().lower())
    duration = timedelta(seconds=int(match[1]) * _SECONDS[match[2]]) if match else None
    if duration is None or duration > timedelta(days=36500):
        raise typer.BadParameter(
            f"{text[:40]!r} is no time; write a number with s, m, h, d, w or y, such as 30d, or 'never'."
        )
    return duration
