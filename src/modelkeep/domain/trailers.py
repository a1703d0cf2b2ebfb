"""Trailers: the ``Name: value`` lines that end a message of Git, and say for programs what belongs to it.

Git reads them in any clone, also of a signed tag (whose signature ``%(contents:trailers)`` stumbles over)::

    git tag -l --format='%(contents:subject)%0a%0a%(contents:body)' TAG | git interpret-trailers --parse
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelkeep.domain.errors import InvalidInput

CODE_COMMIT = "Code-Commit"
"""The commit (or its address) of the code that made a version."""

RUN = "Run"
"""The run that made a version: its name, or its address."""

ORIGIN_ENDPOINT = "Origin-Endpoint"
"""The URL of the hub that a commit was imported from."""

ORIGIN_REPO = "Origin-Repo"
"""The repo there, ``owner/name`` or ``datasets/owner/name``."""

ORIGIN_COMMIT = "Origin-Commit"
"""The commit there."""

LONGEST_VALUE = 1000

_LINE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9-]*): (?P<value>.+)", re.ASCII)


def parse_trailer(name: str, value: str) -> str:
    """Checks the value of a trailer, and strips it.

    Raises:
        InvalidInput: It is blank, too long, or more than one line.
    """
    text = value.strip()
    if not 1 <= len(text) <= LONGEST_VALUE or not text.isprintable():
        raise InvalidInput(
            f"{name} takes one line of 1 to {LONGEST_VALUE} characters without control characters.",
            code="invalid_trailer",
            name=name,
        )
    return text


def with_trailers(message: str, trailers: Mapping[str, str | None]) -> str:
    """Ends a message with trailers, after those that it has; what is None is left out."""
    lines = [f"{name}: {value}" for name, value in trailers.items() if value is not None]
    if not lines:
        return message
    body = message.rstrip()
    return body + ("\n" if _block(body) else "\n\n") + "\n".join(lines)


def trailer(message: str, name: str) -> str | None:
    """The last value that the trailers of a message have under ``name``, None without one."""
    found = [value for key, value in _block(message.rstrip()) if key.casefold() == name.casefold()]
    return found[-1] if found else None


def _block(message: str) -> list[tuple[str, str]]:
    """The last paragraph, where it is one of trailers only and not the subject."""
    _, blank, last = message.rpartition("\n\n")
    if not blank:
        return []
    matches = [_LINE.fullmatch(line) for line in last.split("\n")]
    return [(m["name"], m["value"].strip()) for m in matches if m] if all(matches) else []
