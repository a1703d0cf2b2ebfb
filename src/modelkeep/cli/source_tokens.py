"""Tokens of other hubs: from a file or the environment, never from the command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

TOKEN_VARIABLE = "MODELKEEP_SOURCE_TOKEN"  # noqa: S105 (a name)


def source_token(file: Path | None) -> str | None:
    """The token in a file (``-``: the first line of standard input), else in the environment, else None.

    Raises:
        typer.BadParameter: The file cannot be read.
    """
    if file is None:
        return os.environ.get(TOKEN_VARIABLE) or None
    if str(file) == "-":
        return sys.stdin.readline().strip()
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(
            f"{file} cannot be read: {getattr(error, 'strerror', None) or 'no text'}."
        ) from None
