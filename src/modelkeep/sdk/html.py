"""The SDK's values as HTML tables, for notebooks. All text is escaped: it is whatever somebody pushed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

MOST_ROWS = 100
"""A notebook is no place for more."""

_LONGEST = 200


def table(values: Sequence[object], columns: Sequence[str] = ()) -> str:
    """A table with a row for each value; those beyond :data:`MOST_ROWS` are left out, and that is said.

    Args:
        values: Dataclasses of one kind, or mappings.
        columns: Names of the fields to show; all of them if empty. A field that is a mapping (such as ``stages``)
            becomes a column for each of its keys.
    """
    names, rows = cells(values[:MOST_ROWS], columns)
    if not rows:
        return "<p>Nothing to show.</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    more = "" if len(values) <= MOST_ROWS else f"<p>The first {MOST_ROWS}; there are more.</p>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def cells(values: Sequence[object], columns: Sequence[str] = ()) -> tuple[list[str], list[list[str]]]:
    """The names of the columns and the cells of the rows, as text that is not escaped; see :func:`table`."""
    rows = [_flat(value, columns) for value in values]
    names = list(dict.fromkeys(name for row in rows for name in row))
    stages = sorted(name for name in names if name.startswith("#"))
    if stages and "stages" in columns:
        names = [name for name in names if not name.startswith("#")]
        place = list(columns).index("stages")
        names[place:place] = stages
    return names, [[row.get(name, "") for name in names] for row in rows]


def _flat(value: object, columns: Sequence[str]) -> dict[str, str]:
    if isinstance(value, Mapping):
        fields = dict(value)
    elif dataclasses.is_dataclass(value):
        fields = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    else:
        fields = {"": value}
    shown: dict[str, str] = {}
    for name in columns or fields:
        item = fields.get(name)
        if isinstance(item, Mapping) and name == "stages":
            shown |= {f"#{stage}": text(holder) for stage, holder in sorted(item.items())}
        else:
            shown[name] = text(item)
    return shown


def text(value: object) -> str:
    """A value in a cell, shortened, not escaped yet."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, (list, tuple)):
        shown = ", ".join(text(item) for item in value)
    elif isinstance(value, Mapping):
        shown = ", ".join(f"{key}={text(item)}" for key, item in value.items())
    elif hasattr(value, "version") and hasattr(value, "tag"):
        shown = str(value.version)
    else:
        shown = str(value).strip()
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
