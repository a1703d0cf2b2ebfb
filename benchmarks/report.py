"""The results as a table that reads well in a terminal and pastes into the documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from benchmarks.measure import Result

HEADINGS = ["what", "hub", "peer or floor", "ratio", "aim", ""]


def table(results: Sequence[Result]) -> str:
    """A Markdown table with aligned columns."""
    rows = [HEADINGS, *(result.cells() for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def as_json(machine: Mapping[str, str], results: Sequence[Result]) -> str:
    return json.dumps(
        {"machine": dict(machine), "results": [result.as_json() for result in results]}, indent=2
    )
