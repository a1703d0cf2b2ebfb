"""What ``artifacts.yaml`` (GTO's) and ``dvc.yaml`` (DVC's) say about artifacts. One bad entry hides no other.

Formats: GTO's ``Artifact`` and the key ``artifacts`` of a ``dvc.yaml``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from modelkeep.domain.artifacts import ARTIFACTS_FILE, Annotation, FileProblem, Json
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.names import is_gto_name, parse_artifact
from modelkeep.services.yaml_tree import MAX_NODES, Node, NodeKind, YamlFault, read_yaml
from modelkeep.services.yaml_values import Values, duplicates_of, pairs_of

MAX_ENTRIES = 10_000
MAX_PROBLEMS = 100

_GTO_FIELDS = ("type", "path", "virtual", "labels", "description", "custom")
_DVC_FIELDS = ("path", "type", "desc", "labels", "meta")
_TRUE = {"1", "on", "t", "true", "y", "yes"}
_FALSE = {"0", "off", "f", "false", "n", "no"}
_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_CHECKSUM_KEYS = ("sha256", "sha512", "sha1", "md5", "etag", "checksum", "hash")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")
_FIX = "correct the file and push it; the artifact's entry is left out until then"


@dataclass(slots=True)
class FileReading:
    """What one file says: annotations by artifact name, the line of each, and what is wrong with the file.

    ``size`` is in bytes; ``nodes`` counts what was read of them, aliases followed.
    """

    file: str
    size: int = 0
    nodes: int = 0
    annotations: dict[str, Annotation] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[FileProblem] = field(default_factory=list)

    def report(self, code: str, reason: str, remedy: str, line: int | None = None) -> None:
        """Adds a problem; of very many only the first are kept."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(FileProblem(self.file, code, reason, remedy, line))


def read_artifacts_yaml(content: bytes) -> FileReading:
    """Reads an ``artifacts.yaml``. Never raises: what cannot be read is among the problems."""
    reading = FileReading(ARTIFACTS_FILE, len(content))
    root = _root(reading, content)
    if root is None:
        if not reading.problems:
            reading.report(
                "empty_file", "it says nothing, and gto stops at it", "write {} into it, or delete the file"
            )
        return reading
    _read_entries(reading, root, "", _gto_annotation)
    return reading


def read_dvc_yaml(content: bytes, file: str) -> FileReading:
    """Reads the ``artifacts`` of a ``dvc.yaml`` at the path ``file``. Never raises, as :func:`read_artifacts_yaml`."""
    reading = FileReading(file, len(content))
    if b"artifacts" not in content:
        return reading  # many pipelines declare none; whether they are right is for DVC to say
    root = _root(reading, content)
    if root is None:
        return reading
    directory = posixpath.dirname(file)
    try:
        found = next(
            (value for key, value in pairs_of(root) if key.is_text and key.text == "artifacts"), None
        )
    except YamlFault as fault:
        _report_fault(reading, fault)
        return reading
    if found is not None and not found.is_null:
        _read_entries(reading, found, directory, _dvc_annotation)
    return reading


def _root(reading: FileReading, content: bytes) -> Node | None:
    try:
        document = read_yaml(content)
    except YamlFault as fault:
        reading.nodes = min(len(content) // 2, MAX_NODES)
        _report_fault(reading, fault, whole=True)
        return None
    root, reading.nodes = document.root, document.nodes
    if root is not None and root.kind is not NodeKind.MAPPING:
        reading.report(
            "not_a_mapping",
            "it is no mapping of names to what is said about them",
            "write 'name:' lines",
            root.line,
        )
        return None
    return root


class _Entry:
    """An entry being read: its fields as nodes, and where problems go."""

    def __init__(
        self, reading: FileReading, name: str, line: int, values: Values, fields: Mapping[str, Node]
    ) -> None:
        self.reading = reading
        self.name = name
        self.line = line
        self.values = values
        self.fields = fields

    def text(self, key: str, *, nullable: bool) -> str | None:
        """A field that must be text; None where it is not said."""
        node = self.fields.get(key)
        if node is None or (nullable and node.is_null):
            return None
        if not node.is_text or node.tag is not None:
            raise _wrong(self.name, key, "text", node)
        return node.text

    def word(self, key: str) -> str | None:
        """A text that should be a GTO name; another one is kept, and reported."""
        text = self.text(key, nullable=True) or None
        if text is not None and not is_gto_name(text):
            self._not_a_name(key, text, self.fields[key])
        return text

    def labels(self) -> tuple[str, ...]:
        """The labels, each once."""
        node = self.fields.get("labels")
        if node is None:
            return ()
        if node.kind is not NodeKind.SEQUENCE or not all(item.is_text for item in node.items):
            raise _wrong(self.name, "labels", "a list of texts", node)
        for item in node.items:
            if not is_gto_name(item.text):
                self._not_a_name("labels", item.text, item)
        return tuple(dict.fromkeys(item.text for item in node.items))

    def flag(self, key: str, *, default: bool) -> bool:
        """A truth value, as leniently as GTO reads it."""
        node = self.fields.get(key)
        if node is None:
            return default
        text = node.text.lower()
        if node.kind is not NodeKind.SCALAR or text not in _TRUE | _FALSE:
            raise _wrong(self.name, key, "true or false", node)
        return text in _TRUE

    def any(self, key: str) -> Json:
        """A field that may be anything."""
        node = self.fields.get(key)
        return None if node is None else self.values.of(node)

    def _not_a_name(self, key: str, text: str, node: Node) -> None:
        self.reading.report(
            "bad_word",
            f"'{key}' of {self.name} is {text[:60]!r}, which is no name in GTO's grammar",
            "use letters, digits, '-', '_' or '/', with a letter or a digit at both ends",
            node.line,
        )


_Reader = Callable[[_Entry, str], Annotation]


def _read_entries(reading: FileReading, mapping: Node, directory: str, read: _Reader) -> None:
    if mapping.kind is not NodeKind.MAPPING:
        reading.report(
            "not_a_mapping",
            "'artifacts' is no mapping of names to artifacts",
            "write 'name:' lines",
            mapping.line,
        )
        return
    for key in duplicates_of(mapping):
        reading.report(
            "duplicate_key",
            f"{key.text[:60]!r} stands here twice; readers of YAML stop at that",
            "keep one of the entries; the first one counts here",
            key.line,
        )
    values = Values()
    try:
        for number, (key, value) in enumerate(pairs_of(mapping)):
            if number >= MAX_ENTRIES:
                limit = f"it describes more than {MAX_ENTRIES} artifacts"
                reading.report("too_many_artifacts", limit, "describe fewer; the rest is not read", key.line)
                return
            _read_entry(reading, key, value, directory, values, read)
    except YamlFault as fault:
        _report_fault(reading, fault)
    finally:
        reading.nodes += values.spent


def _read_entry(
    reading: FileReading, key: Node, value: Node, directory: str, values: Values, read: _Reader
) -> None:
    name = f"{directory}:{key.text}" if directory else key.text
    if not key.is_text or not is_gto_name(key.text) or not _is_artifact(name):
        shown = name[:80] if key.kind is NodeKind.SCALAR else "a list or mapping"
        reading.report(
            "bad_name",
            f"{shown!r} cannot name an artifact",
            "use letters, digits, '-', '_' or '/', with a letter or a digit at both ends (and quotes, if it is a "
            "number)",
            key.line,
        )
        return
    try:
        entry = _Entry(reading, name, key.line, values, _fields(name, value))
        reading.annotations[name] = read(entry, directory)
        reading.lines[name] = key.line
    except YamlFault as fault:
        if fault.code == "too_much_expanded":
            raise
        _report_fault(reading, fault)


def _fields(name: str, value: Node) -> dict[str, Node]:
    if value.kind is not NodeKind.MAPPING or value.tag is not None:
        raise _fault("bad_entry", f"{name} is no mapping of fields", value)
    for key in duplicates_of(value):
        raise _fault("duplicate_key", f"{name} says {key.text[:60]!r} twice", key)
    return {key.text: node for key, node in pairs_of(value) if key.is_text}


def _gto_annotation(entry: _Entry, directory: str) -> Annotation:
    custom = entry.any("custom")
    for key, node in entry.fields.items():
        if key not in _GTO_FIELDS:
            entry.values.of(node)  # gto passes over the field, but not over what is no YAML of its own
    return Annotation(
        name=entry.name,
        type=entry.word("type"),
        path=entry.text("path", nullable=True) or None,
        labels=entry.labels(),
        description=entry.text("description", nullable=False) or "",
        is_virtual=entry.flag("virtual", default=True),
        custom=custom,
        checksum=checksum_in(custom),
    )


def _dvc_annotation(entry: _Entry, directory: str) -> Annotation:
    for key, node in entry.fields.items():
        if key not in _DVC_FIELDS:
            entry.reading.report(
                "unknown_field",
                f"{entry.name} has a field {key[:60]!r}, which DVC does not know",
                f"use {', '.join(_DVC_FIELDS)}; whatever else goes into meta",
                node.line,
            )
    path = entry.text("path", nullable=False)
    if not path:
        raise YamlFault("path_missing", f"{entry.name} has no path, which DVC needs", entry.line)
    meta = entry.any("meta")
    return Annotation(
        name=entry.name,
        source=entry.reading.file,
        type=entry.word("type"),
        path=_from_root(entry, directory, path),
        labels=entry.labels(),
        description=entry.text("desc", nullable=True) or "",
        custom=meta,
        checksum=checksum_in(meta),
    )


def _from_root(entry: _Entry, directory: str, path: str) -> str:
    if Annotation(entry.name, path=path).is_link:
        return path
    whole = posixpath.normpath(posixpath.join(directory, path))
    if whole.startswith(("../", "/")) or whole == "..":
        raise _fault("path_outside", f"the path of {entry.name} leads out of the repo", entry.fields["path"])
    return whole


def checksum_in(custom: Json) -> str | None:
    """``sha256:…`` (or another algorithm) where free fields give one."""
    if not isinstance(custom, Mapping):
        return None
    for key in _CHECKSUM_KEYS:
        value = custom.get(key)
        if not isinstance(value, str) or not 0 < len(value) <= 200:
            continue
        if key in ("checksum", "hash"):
            guessed = _ALGORITHMS.get(len(value)) if _HEXADECIMAL.fullmatch(value) else None
            return f"{guessed}:{value}" if guessed else value
        return value if value.lower().startswith(f"{key}:") else f"{key}:{value}"
    return None


def _is_artifact(name: str) -> bool:
    try:
        parse_artifact(name)
    except InvalidInput:
        return False
    return True


def _wrong(name: str, key: str, wanted: str, node: Node) -> YamlFault:
    return _fault("bad_field", f"'{key}' of {name} must be {wanted}", node)


def _fault(code: str, reason: str, node: Node) -> YamlFault:
    return YamlFault(code, reason, node.line, node.column)


def _report_fault(reading: FileReading, fault: YamlFault, *, whole: bool = False) -> None:
    remedy = "correct the file and push it; nothing of it is read until then" if whole else _FIX
    reading.report(fault.code, fault.reason, remedy, fault.line)
