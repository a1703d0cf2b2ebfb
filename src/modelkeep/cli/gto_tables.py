"""The tables of ``gto show --plain``, from what ``gto show --json`` prints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

_COMMIT = re.compile("[0-9a-f]{40}", re.IGNORECASE)
_VERSION_COLUMNS = ("artifact", "version", "stage", "created_at", "ref")


def plain_artifacts(shown: dict[str, Any]) -> list[str]:
    """The lines of ``gto show --plain``: each artifact, its latest version and its stages; none of none."""
    if not shown:
        return []
    stages = list(next(iter(shown.values()))["stage"])
    rows = [
        [("" if one["registered"] else "*") + name, _short(one["version"])]
        + [", ".join(map(_short, (one["stage"][stage] or "-").split(", "))) for stage in stages]
        for name, one in sorted(shown.items())
    ]
    return _aligned(["name", "latest", *(f"#{stage}" for stage in stages)], rows)


def plain_versions(shown: list[dict[str, Any]], *, is_registered: bool) -> list[str]:
    """The lines of ``gto show NAME --plain``: each version with its stages; none of none."""
    rows = [
        [
            ("" if is_registered else "*") + one["artifact"],
            _short(one["version"]),
            ", ".join(dict.fromkeys(held["stage"] for held in one["stages"])),
            one["created_at"].replace("T", " "),
            _short(one["ref"]),
        ]
        for one in shown
    ]
    return _aligned(_VERSION_COLUMNS, rows) if rows else []


def _short(name: str | None) -> str:
    """The beginning of a commit's id; anything else whole, also a version that ``gto`` would cut to seven letters."""
    return "-" if name is None else name[:7] if _COMMIT.fullmatch(name) else name


def _aligned(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns with two spaces in between, each two wider than its header at least, as ``tabulate`` draws them."""
    columns = zip(*rows, strict=True)
    widths = [max(len(head) + 2, *map(len, cells)) for head, cells in zip(headers, columns, strict=True)]
    return [_line(cells, widths) for cells in (headers, *rows)]


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
