"""The grammar of registry tags: ``name@v1.2.3``, ``name#prod#4`` and their kin, parsed and written.

It is GTO's, so that ``gto`` reads from a clone what the hub shows. A tag writes ``directory:name`` as
``directory=name``, because Git allows no colon in a ref name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from modelkeep.domain.versions import PATTERN as VERSION_PATTERN

_NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9\-/_]*[a-zA-Z0-9])?"
_DIRECTORY = r"[a-zA-Z0-9\-_./]+"
_VERSION = VERSION_PATTERN.replace("[0-9]*", r"\d*")  # in GTO's grammar a digit is one of any script
_TAG = re.compile(
    rf"(?P<artifact>(?:{_DIRECTORY}=)?{_NAME})"
    rf"(?:(?:#(?P<stage>{_NAME})|@(?P<version>{_VERSION}))(?P<cancel>!?)"
    r"|@(?:(?P<deprecated>deprecated)|(?P<created>created)))"
    r"(?:#(?P<counter>[0-9]+))?"
)
_SHORTCUT = re.compile(
    rf"(?P<artifact>(?:{_DIRECTORY}:)?{_NAME})(?:#(?P<stage>{_NAME})|@(?P<version>latest|greatest|{_VERSION}))"
)

COUNTER_LIMIT = 10**18
"""Counters are smaller than this; :func:`parse_tag` reads a greater one as this."""


class EventKind(StrEnum):
    """What a registry tag records, in GTO's words."""

    REGISTRATION = "registration"
    DEREGISTRATION = "deregistration"
    ASSIGNMENT = "assignment"
    UNASSIGNMENT = "unassignment"
    DEPRECATION = "deprecation"
    CREATION = "creation"
    """``name@created``: GTO's grammar has it, nothing writes it, and it stops every ``gto`` command."""


@dataclass(frozen=True, slots=True)
class TagName:
    """A registry tag's name, taken apart.

    ``artifact`` is with a colon (``directory:name``); ``counter`` is None in a simple tag; ``version`` keeps its ``v``.
    """

    kind: EventKind
    artifact: str
    version: str | None = None
    stage: str | None = None
    counter: int | None = None


@dataclass(frozen=True, slots=True)
class Shortcut:
    """``name@latest``, ``name@greatest``, ``name@v1.2.3`` or ``name#stage``, taken apart."""

    artifact: str
    version: str | None = None
    stage: str | None = None
    is_latest: bool = False


def parse_shortcut(text: str) -> Shortcut | None:
    """Reads GTO's way to name a version of an artifact; None where it is none (a plain name, say)."""
    match = _SHORTCUT.fullmatch(text)
    if match is None:
        return None
    if match["version"] in ("latest", "greatest"):
        return Shortcut(match["artifact"], is_latest=True)
    return Shortcut(match["artifact"], version=match["version"], stage=match["stage"])


def parse_tag(name: str) -> TagName | None:
    """Reads a tag name (without ``refs/tags/``); None where it is no registry tag."""
    match = _TAG.fullmatch(name)
    if match is None:
        return None
    return TagName(
        kind=_kind(match),
        artifact=match["artifact"].replace("=", ":", 1),
        version=match["version"],
        stage=match["stage"],
        counter=_counter(match["counter"]) if match["counter"] else None,
    )


def format_tag(tag: TagName) -> str:
    """Writes the tag name; the reverse of :func:`parse_tag` but for leading zeros and too great counters."""
    artifact = tag.artifact.replace(":", "=", 1)
    if tag.kind is EventKind.DEPRECATION:
        body = "@deprecated"
    elif tag.kind is EventKind.CREATION:
        body = "@created"
    else:
        cancel = "!" if tag.kind in (EventKind.DEREGISTRATION, EventKind.UNASSIGNMENT) else ""
        body = (f"@{tag.version}" if tag.version is not None else f"#{tag.stage}") + cancel
    return artifact + body + (f"#{tag.counter}" if tag.counter is not None else "")


def _kind(match: re.Match[str]) -> EventKind:
    if match["deprecated"]:
        return EventKind.DEPRECATION
    if match["created"]:
        return EventKind.CREATION
    if match["version"]:
        return EventKind.DEREGISTRATION if match["cancel"] else EventKind.REGISTRATION
    return EventKind.UNASSIGNMENT if match["cancel"] else EventKind.ASSIGNMENT


def _counter(digits: str) -> int:
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= 18 else COUNTER_LIMIT
