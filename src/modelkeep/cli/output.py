"""What commands print: tables for people, aligned text for pipes, one JSON document for programs."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

T = TypeVar("T")
_BATCH = 1000
_LAST_COLUMN = 12
"""How narrow the last column of a table may become."""
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def printable(text: str) -> str:
    """The text with control characters written out, so that nothing from a hub can steer a terminal."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text
    )


def say(text: str = "") -> None:
    """Prints a line for people."""
    sys.stdout.write(f"{_encodable(text, sys.stdout.encoding)}\n")


def note(text: str) -> None:
    """Prints a remark beside the output."""
    sys.stderr.write(f"{_encodable(text, sys.stderr.encoding)}\n")
    sys.stderr.flush()


def show_json(value: object) -> None:
    """Prints one JSON document; dataclasses by their fields, times in UTC."""
    from modelkeep.sdk.wire import to_json

    sys.stdout.write(json.dumps(to_json(value), indent=2) + "\n")


def show_table(headers: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> None:
    """Prints a table: drawn on a terminal, in aligned columns elsewhere, ``empty`` instead of one without rows."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not cells:
        note(empty)
    elif sys.stdout.isatty():
        _draw(headers, cells)
    else:
        for line in _aligned(headers, cells):
            say(line)


def show_list(
    found: Iterable[T],
    headers: Sequence[str],
    row: Callable[[T], Sequence[str]],
    *,
    empty: str,
    as_json: bool = False,
    is_plain: bool = False,
) -> None:
    """Prints a list while it comes: a JSON array, or a table whose columns are aligned a thousand rows at a time.

    Args:
        found: The items.
        headers: Of the table.
        row: The cells of an item.
        empty: What to say where there is no item.
        as_json: Whether to print JSON.
        is_plain: Whether to draw nothing, also on a terminal.
    """
    if as_json:
        _stream_json(found)
        return
    rest = iter(found)
    batch = list(itertools.islice(rest, _BATCH))
    if len(batch) < _BATCH and not is_plain:
        show_table(headers, map(row, batch), empty)
        return
    if not batch:
        note(empty)
    shown = list(headers)
    while batch:
        cells = [[printable(cell) for cell in row(item)] for item in batch]
        for line in _aligned(shown, cells):
            say(line)
        batch = list(itertools.islice(rest, _BATCH))
        shown = []


def show_line(value: object) -> None:
    """Prints JSON in one line, at once."""
    from modelkeep.sdk.wire import to_json

    sys.stdout.write(json.dumps(to_json(value)) + "\n")
    sys.stdout.flush()


def _stream_json(found: Iterable[object]) -> None:
    """Prints a JSON array, an item in a line: of many, indenting them would take longer than getting them."""
    from modelkeep.sdk.wire import to_json

    start = "[\n"
    for item in found:
        sys.stdout.write(f"{start}  {json.dumps(to_json(item))}")
        start = ",\n"
    sys.stdout.write("[]\n" if start == "[\n" else "\n]\n")


def show_fields(fields: Sequence[tuple[str, str]]) -> None:
    """Prints names and values, one pair in a line; empty values are left out."""
    width = max(len(name) for name, _ in fields)
    for name, value in fields:
        if value:
            say(f"{name.ljust(width)}  {printable(value)}")


def size_text(size: int | None) -> str:
    """A number of bytes, for people."""
    if size is None:
        return ""
    amount, unit = float(size), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{size} B" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def time_text(moment: datetime | None) -> str:
    """A time to the minute, in UTC, for people."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if moment else ""


def _draw(headers: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Draws a table, its last column broken into lines where the terminal is too narrow.

    Where that is not enough nothing is drawn, and the terminal breaks the lines: names and numbers stay whole.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    *widths, last = (max(map(cell_len, column)) for column in zip(headers, *cells, strict=True))
    if sum(widths) + 2 * len(widths) + min(last, _LAST_COLUMN) > console.width:
        for line in _aligned(headers, cells):
            say(line)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for number, header in enumerate(headers):
        table.add_column(Text(header), overflow="fold", no_wrap=number < len(widths))
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def _aligned(headers: Sequence[str], cells: Sequence[Sequence[str]]) -> Iterable[str]:
    lines = [list(headers), *cells] if headers else list(cells)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    pad = partial(zip, strict=True)
    return ("  ".join(cell.ljust(width) for cell, width in pad(line, widths)).rstrip() for line in lines)


def _encodable(text: str, encoding: str | None) -> str:
    chosen = encoding or "utf-8"
    return text.encode(chosen, "backslashreplace").decode(chosen)
