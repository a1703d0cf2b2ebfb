"""YAML files of repos as trees of nodes that know where they stand: bounded, and nothing is ever executed.

The text is taken apart by libyaml, which is fast and stops where it is told to; scalars mean what they mean in
YAML 1.2 as GTO and DVC read it (``yes`` is text, ``true`` is not).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import yaml

MAX_BYTES = 1 << 20
MAX_DEPTH = 50
MAX_NODES = 100_000

_TAGS = "tag:yaml.org,2002:"
_MEANINGS = (
    ("null", re.compile(r"~|null|Null|NULL|")),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("int", re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|[0-9][0-9_]*|0x[0-9a-fA-F_]+)")),
    (
        "float",
        re.compile(
            r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
            r"|[-+]?\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        ),
    ),
    ("time", re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}.*)?")),
    ("merge", re.compile(r"<<")),
)
_KNOWN_TAGS = {"null", "bool", "int", "float", "str", "seq", "map", "merge", "timestamp", "binary"}


class YamlFault(Exception):
    """What makes a YAML file, or a part of it, unreadable. Lines and columns count from 1."""

    def __init__(self, code: str, reason: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.line = line
        self.column = column


class NodeKind(StrEnum):
    """What a node is."""

    SCALAR = "scalar"
    SEQUENCE = "sequence"
    MAPPING = "mapping"


@dataclass(slots=True, eq=False)
class Node:
    """A node of the tree, or one mention of it by an alias.

    Attributes:
        kind: What it is.
        start: Where its text begins, in characters from the start of the file.
        stop: Where it ends; of a block collection, where its last child does.
        line: From 1.
        column: From 1.
        meaning: Of a scalar: ``null``, ``bool``, ``int``, ``float``, ``time``, ``merge`` or ``str``.
        text: Of a scalar.
        style: Of a scalar: "" for plain, a quote, ``|`` or ``>``.
        items: Of a sequence.
        pairs: Of a mapping, in the order of the file, duplicates and merges included.
        is_flow: Whether a collection is written in brackets.
        tag: The tag that it was given, if it was given one that is not of YAML itself.
        anchor: Its name for aliases, if it has one; of an alias, the name that it calls.
        is_alias: Whether only an alias stands here.
    """

    kind: NodeKind
    start: int
    stop: int
    line: int
    column: int
    meaning: str = ""
    text: str = ""
    style: str = ""
    items: list[Node] = field(default_factory=list)
    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    is_flow: bool = False
    tag: str | None = None
    anchor: str | None = None
    is_alias: bool = False

    @property
    def is_text(self) -> bool:
        """Whether it is a scalar that means text."""
        return self.kind is NodeKind.SCALAR and self.meaning == "str"

    @property
    def is_null(self) -> bool:
        """Whether it says nothing."""
        return self.kind is NodeKind.SCALAR and self.meaning == "null"


@dataclass(frozen=True, slots=True)
class Document:
    """A file: its text without a byte order mark, the root (None: nothing but comments), how many nodes it has."""

    text: str
    root: Node | None
    nodes: int


def read_yaml(content: bytes) -> Document:
    """Reads a file that holds one document.

    Raises:
        YamlFault: It is too large, too deep, not UTF-8, not YAML, or holds several documents.
    """
    if len(content) > MAX_BYTES:
        raise YamlFault("file_too_large", f"it is larger than {MAX_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise YamlFault("not_utf8", "it is not UTF-8", line) from None
    try:
        return _Composer().compose(text)
    except yaml.YAMLError as error:
        raise _fault_of(error, text) from None


class _Composer:
    """Makes one tree of libyaml's events, and stops at the limits while it reads."""

    def __init__(self) -> None:
        self._root: Node | None = None
        self._anchors: dict[str, Node] = {}
        self._open: list[Node] = []
        self._keys: list[Node | None] = []
        self._count = 0

    def compose(self, text: str) -> Document:
        documents = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise YamlFault("several_documents", "it holds several documents", _line(event))
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self._close(event)
            elif isinstance(event, yaml.AliasEvent):
                self._put(self._alias(event))
            elif isinstance(event, yaml.NodeEvent):
                self._put(self._node(event))
        empty = self._root is not None and self._root.is_null and self._root.start == self._root.stop
        return Document(text, None if empty else self._root, self._count)

    def _node(self, event: Any) -> Node:
        kind = (
            NodeKind.SCALAR
            if isinstance(event, yaml.ScalarEvent)
            else NodeKind.MAPPING
            if isinstance(event, yaml.MappingStartEvent)
            else NodeKind.SEQUENCE
        )
        mark = event.start_mark
        node = Node(
            kind, mark.index, event.end_mark.index, mark.line + 1, mark.column + 1, anchor=event.anchor
        )
        known = event.tag is not None and event.tag.startswith(_TAGS) and event.tag[len(_TAGS) :]
        if event.tag not in (None, "!") and known not in _KNOWN_TAGS:
            node.tag = event.tag
        if kind is NodeKind.SCALAR:
            node.text, node.style = event.value, event.style or ""
            node.meaning = _meaning(event, known)
        else:
            node.is_flow = bool(event.flow_style)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        target = self._anchors.get(event.anchor)
        line, column = _line(event), event.start_mark.column + 1
        if target is None:
            raise YamlFault("unknown_alias", f"nothing is called &{event.anchor[:60]}", line, column)
        if target in self._open:
            raise YamlFault("alias_of_itself", f"*{event.anchor[:60]} stands inside of itself", line, column)
        return Node(
            target.kind,
            event.start_mark.index,
            event.end_mark.index,
            line,
            column,
            target.meaning,
            target.text,
            target.style,
            target.items,
            target.pairs,
            target.is_flow,
            target.tag,
            event.anchor,
            is_alias=True,
        )

    def _put(self, node: Node) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise YamlFault("too_many_nodes", f"it holds more than {MAX_NODES} values", node.line)
        if not self._open:
            self._root = node
        elif self._open[-1].kind is NodeKind.SEQUENCE:
            self._open[-1].items.append(node)
        elif self._keys[-1] is None:
            self._keys[-1] = node
        else:
            self._open[-1].pairs.append((self._keys[-1], node))
            self._keys[-1] = None
        if node.kind is not NodeKind.SCALAR and not node.is_alias:
            self._open.append(node)
            self._keys.append(None)
            if len(self._open) > MAX_DEPTH:
                raise YamlFault("too_deep", f"it is deeper than {MAX_DEPTH} levels", node.line, node.column)

    def _close(self, event: Any) -> None:
        node = self._open.pop()
        self._keys.pop()
        children = node.items or [part for pair in node.pairs[-1:] for part in pair]
        # A block ends, for libyaml, where the next thing begins: comments and blank lines later.
        node.stop = (
            event.end_mark.index if node.is_flow else max(c.stop for c in children) if children else node.stop
        )


def _meaning(event: Any, known: str | bool) -> str:
    if known in _KNOWN_TAGS:
        return {"timestamp": "time", "binary": "str"}.get(str(known), str(known))
    if not event.implicit[0] or event.style:
        return "str"
    return next((name for name, pattern in _MEANINGS if pattern.fullmatch(event.value)), "str")


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _fault_of(error: yaml.YAMLError, text: str) -> YamlFault:
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", "it cannot be read"))
    if mark is None:
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else None
        return YamlFault("bad_yaml", f"it is not YAML: {problem}", line)
    return YamlFault("bad_yaml", f"it is not YAML: {problem}", mark.line + 1, mark.column + 1)
