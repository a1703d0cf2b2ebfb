"""What ``gto`` itself reads in its two files, ``.gto`` and ``artifacts.yaml``, and whether it would stop at them.

:mod:`modelkeep.services.annotation_files` keeps what can be kept of a bad file; ``gto`` gives up on all of it, for the
whole repo. Answers that must equal its own, and warnings of what stops it, need its own verdict.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from modelkeep.domain.artifacts import ARTIFACTS_FILE, Json
from modelkeep.domain.names import is_gto_name
from modelkeep.services.yaml_tree import Node, NodeKind, YamlFault, read_yaml
from modelkeep.services.yaml_values import Values, duplicates_of, pairs_of

CONFIG_FILE = ".gto"

_MOMENT = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?"
    r"(?:[ \t]*(?:(Z)|([-+])(\d\d?)(?::(\d\d))?))?",
    re.ASCII,
)
_TRUE = {"1", "on", "t", "true", "y", "yes"}
_FALSE = {"0", "off", "f", "false", "n", "no"}


@dataclass(frozen=True, slots=True)
class GtoFault:
    """Why ``gto`` stops at a file; ``line`` counts from 1, None where the fault has no line."""

    reason: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class GtoConfig:
    """What ``.gto`` says: the stages and types that there may be (None: any), and where annotations are."""

    stages: tuple[str, ...] | None = None
    index: str = ARTIFACTS_FILE
    types: tuple[str, ...] | None = None


Annotations = Mapping[str, Json]
"""Artifacts by name, each with all the fields that GTO knows."""


def read_gto_config(content: bytes) -> GtoConfig | GtoFault:
    """Reads ``.gto`` as ``gto`` does: names of settings in any case, none that it does not know."""
    try:
        root = read_yaml(content).root
        if root is None or _is_nothing(root):
            return GtoConfig()
        return _config(_fields(root, "the file"))
    except YamlFault as fault:
        return GtoFault(fault.reason, fault.line)


def read_gto_annotations(content: bytes) -> Annotations | GtoFault:
    """Reads ``artifacts.yaml`` as ``gto`` does: all of it, or nothing."""
    try:
        root = read_yaml(content).root
        if root is None:
            return GtoFault("it is empty; gto wants at least {}")
        values = _GtoValues()
        found: dict[str, Json] = {}
        for name, node in _fields(root, "the file").items():
            if not is_gto_name(name):
                raise _fault(f"{name[:60]!r} cannot name an artifact", node)
            found[name] = _annotation(name, node, values)
        return found
    except YamlFault as fault:
        return GtoFault(fault.reason, fault.line)


class _GtoValues(Values):
    """Values as ``gto`` prints them: a time of day in ISO 8601, whatever way it was written."""

    def _of(self, node: Node, depth: int) -> Json:
        if node.kind is NodeKind.SCALAR and node.meaning == "time" and node.tag is None:
            self._spend(node, depth)
            return _moment(node.text)
        return super()._of(node, depth)


def _moment(text: str) -> str:
    match = _MOMENT.fullmatch(text)
    if match is None:
        return text
    *parts, fraction, is_utc, sign, hours, minutes = match.groups()
    try:
        numbers = [int(part) for part in parts]
        zone = UTC if is_utc else None
        if sign:
            offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
            zone = timezone(-offset if sign == "-" else offset)
        year, month, day, hour, minute, second = numbers
        micro = int((fraction or "")[:6].ljust(6, "0"))
        return datetime(year, month, day, hour, minute, second, micro, zone).isoformat()
    except (ValueError, OverflowError):
        return text


def _annotation(name: str, node: Node, values: Values) -> Json:
    fields = _fields(node, name)
    found: dict[str, Json] = {
        "type": None,
        "path": None,
        "virtual": True,
        "labels": [],
        "description": "",
        "custom": None,
    }
    for key, value in fields.items():
        if key in ("type", "path") and value.is_null:
            continue
        if key in ("type", "path", "description"):
            found[key] = _text(value, f"'{key}' of {name}")
        elif key == "virtual":
            found[key] = _flag(value, f"'{key}' of {name}")
        elif key == "labels":
            found[key] = _texts(value, f"'{key}' of {name}")
        else:
            said = values.of(value)
            if key == "custom":
                found[key] = said
    return found


def _config(written: Mapping[str, Node]) -> GtoConfig:
    fields: dict[str, Node] = {}
    for key, value in written.items():
        if key.lower() not in _SETTINGS:
            raise _fault(f"gto knows no setting {key[:60]!r}", value)
        fields.setdefault(key.lower(), value)
    said = {key: _SETTINGS[key](value, f"'{key}'") for key, value in fields.items()}
    if said.get("autoload_enrichments") is False and "gto" not in said.get("enrichments", ()):
        raise YamlFault(
            "no_enrichments", "'autoload_enrichments' is off, and 'enrichments' does not name gto"
        )
    return GtoConfig(said.get("stages"), said.get("index", ARTIFACTS_FILE), said.get("types"))


def _names(node: Node, what: str) -> tuple[str, ...] | None:
    if node.is_null:
        return None
    names = _texts(node, what)
    for name in names:
        if not is_gto_name(name):
            raise _fault(f"{name[:60]!r} in {what} is no name in GTO's grammar", node)
    return tuple(names)


def _enrichments(node: Node, what: str) -> set[str]:
    if node.kind is not NodeKind.SEQUENCE:
        raise _fault(f"{what} must be a list", node)
    found = set()
    for item in node.items:
        fields = _fields(item, f"an entry of {what}")
        if "type" not in fields:
            raise _fault(f"an entry of {what} has no type", item)
        found.add(_text(fields["type"], f"the type of an entry of {what}"))
        config = fields.get("config")
        if config is not None and config.kind is not NodeKind.MAPPING:
            raise _fault(f"the config of an entry of {what} must be a mapping", config)
    return found


def _fields(node: Node, what: str) -> dict[str, Node]:
    if node.kind is not NodeKind.MAPPING or node.tag is not None:
        raise _fault(f"{what} is no mapping", node)
    for key in duplicates_of(node):
        raise _fault(f"{what} says {key.text[:60]!r} twice", key)
    found: dict[str, Node] = {}
    for key, value in pairs_of(node):
        if not key.is_text:
            raise _fault(f"{key.text[:60]!r} in {what} is no text; put it in quotes", key)
        found[key.text] = value
    return found


def _text(node: Node, what: str) -> str:
    if not node.is_text or node.tag is not None:
        raise _fault(f"{what} must be text", node)
    return node.text


def _texts(node: Node, what: str) -> list[str]:
    if node.kind is not NodeKind.SEQUENCE or node.tag is not None:
        raise _fault(f"{what} must be a list", node)
    return [_text(item, f"an entry of {what}") for item in node.items]


def _text_or_nothing(node: Node, what: str) -> str | None:
    return None if node.is_null else _text(node, what)


def _flag(node: Node, what: str) -> bool:
    if node.kind is NodeKind.SCALAR and not node.is_null:
        value = Values().of(node)
        if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
            return value.lower() in _TRUE
        if isinstance(value, (bool, int, float)) and value in (0, 1):
            return bool(value)
    raise _fault(f"{what} must be true or false", node)


def _is_nothing(node: Node) -> bool:
    """What counts as no settings at all: ``false``, ``0``, an empty text, list or mapping."""
    if node.kind is NodeKind.SCALAR:
        return Values().of(node) in (None, False, 0, "")
    return not node.items and not node.pairs


def _fault(reason: str, node: Node) -> YamlFault:
    return YamlFault("stops_gto", reason, node.line, node.column)


_SETTINGS: Mapping[str, Callable[[Node, str], Any]] = {
    "index": _text,
    "log_level": _text,
    "config_file_name": _text_or_nothing,
    "debug": _flag,
    "emojis": _flag,
    "autoload_enrichments": _flag,
    "stages": _names,
    "types": _names,
    "enrichments": _enrichments,
}
