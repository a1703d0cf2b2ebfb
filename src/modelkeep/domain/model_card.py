"""Model cards: a README.md that begins with a front matter in YAML, as the Hugging Face Hub has it.

Here is what can be said without reading YAML: where the front matter ends, what a complete card has, and where metrics
stand in what was read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from modelkeep.domain.artifacts import Json

CARD_FILE = "README.md"

LEAST_TEXT = 200
"""Characters of prose that a complete card has at least."""

_FRONT_MATTER = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n(.*?)(?<=\n)---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_PLACEHOLDER = re.compile(r"\[more information needed\]", re.IGNORECASE)
_SUBJECTS = ("pipeline_tag", "tags", "library_name")


def split_card(text: str) -> tuple[str | None, str]:
    """The front matter without its dashes (None without one) and the text after it."""
    match = _FRONT_MATTER.match(text)
    return (match[1], text[match.end() :]) if match else (None, text)


def line_of_card(text: str) -> int:
    """The line (from 1) on which the front matter begins, below its dashes; 1 without one."""
    match = _FRONT_MATTER.match(text)
    return text.count("\n", 0, match.start(1)) + 1 if match else 1


def gaps_of_card(front_matter: Json, body: str) -> list[str]:
    """What a card lacks to be complete.

    A complete card says the ``license``, says what it is about (``pipeline_tag``, ``tags`` or ``library_name``), has at
    least :data:`LEAST_TEXT` characters of text besides headings and comments, and no ``[More Information Needed]``.
    """
    said = front_matter if isinstance(front_matter, Mapping) else {}
    gaps = []
    if not said.get("license"):
        gaps.append("'license' in its front matter")
    if not any(said.get(name) for name in _SUBJECTS):
        gaps.append("'pipeline_tag', 'tags' or 'library_name' in its front matter")
    if len(_prose(body)) < LEAST_TEXT:
        gaps.append(f"a text of {LEAST_TEXT} characters")
    if _PLACEHOLDER.search(body):
        gaps.append("what it has '[More Information Needed]' for")
    return gaps


def metric_of_card(front_matter: Json, name: str) -> Json:
    """The first value of a metric (by its type or its name, without case) in ``model-index``; None without one."""
    wanted = name.casefold()
    for metric in _metrics(front_matter):
        names = (metric.get("type"), metric.get("name"))
        if wanted in {one.casefold() for one in names if isinstance(one, str)}:
            return metric.get("value")
    return None


def _metrics(front_matter: Json) -> Iterator[Mapping[str, Json]]:
    index = front_matter.get("model-index") if isinstance(front_matter, Mapping) else None
    for model in _mappings(index):
        for result in _mappings(model.get("results")):
            yield from _mappings(result.get("metrics"))


def _mappings(value: Json) -> Iterator[Mapping[str, Json]]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        yield from (one for one in value if isinstance(one, Mapping))


def _prose(body: str) -> str:
    lines = _COMMENT.sub("", body).splitlines()
    return " ".join(" ".join(line for line in lines if not line.lstrip().startswith("#")).split())
