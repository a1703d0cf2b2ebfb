"""The results as a table that reads well in a terminal and pastes into the documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

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


def document(page: Path, machine: Mapping[str, str], results: Sequence[Result], *, is_quick: bool) -> None:
    """Replaces the results in the page, between its two markers."""
    lines = [f"- {key}: {value}" for key, value in machine.items()]
    if is_quick:
        lines.append("- small sizes (`--quick`): these ratios mean little")
    block = "\n".join(["<!-- results -->", "", *lines, "", table(results), "", "<!-- /results -->"])
    text = page.read_text(encoding="utf-8")
    marked = re.compile("<!-- results -->.*<!-- /results -->", re.DOTALL)
    if not marked.search(text):
        raise RuntimeError(f"{page.name} has no markers for the results")
    page.write_text(marked.sub(lambda _: block, text), encoding="utf-8")
