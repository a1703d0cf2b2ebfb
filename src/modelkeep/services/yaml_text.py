"""New pieces of YAML text, as they are put into files that people wrote."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString, SingleQuotedScalarString

from modelkeep.domain.artifacts import Json

# Text that readers of YAML 1.1 take for something else: it gets quotes.
_MISREAD = re.compile(
    r"y|n|yes|no|on|off|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[-+]?[0-9][0-9_.]*(?:e[0-9]+)?",
    re.IGNORECASE,
)
_LITERAL = re.compile(r"[^\s][^\r\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\u2028\u2029]*")
_WORDS = re.compile(r"\w(?:[\w ./+-]*\w)?")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is laid out: steps of indentation in columns, and how its lines end.

    Attributes:
        step: Of a mapping in a mapping.
        dash: Of the dash of a list below its key.
        line_end: A line feed, or a carriage return and a line feed.
    """

    step: int = 2
    dash: int = 0
    line_end: str = "\n"


def block_pair(key: str, value: Json, column: int, layout: Layout) -> str:
    """``key: value`` on lines of its own, at a column."""
    writer = _writer()
    writer.indent(mapping=layout.step, sequence=layout.dash + 2, offset=layout.dash)
    return _indented(_dump(writer, CommentedMap({key: _block(value)})), column, layout)


def block_item(value: Json, column: int, layout: Layout) -> str:
    """``- value`` on lines of its own, the dash at a column."""
    return _indented(_dump(_writer(), CommentedSeq([_block(value)])), column, layout)


def after_colon(value: Json, column: int, layout: Layout) -> str:
    """What follows the colon of a key that stands at a column: from the blank on, without the last line's end."""
    text = block_pair("k", value, column, layout)
    return text[column + len("k:") :].removesuffix(layout.line_end)


def flow(value: Json) -> str:
    """A value on one line as it stands among others in brackets, itself in brackets if it is a list or a mapping."""
    return flow_pair("k", value).removeprefix("k:").strip() or "null"


def quoted(value: str, style: str) -> str:
    """A text on one line in the quotes of ``style``, or as :func:`flow` has it where they cannot hold it."""
    if style == '"':
        return (
            _dump(_writer(), CommentedMap({"k": DoubleQuotedScalarString(value)}))
            .removeprefix("k: ")
            .rstrip("\n")
        )
    if style == "'" and not _UNSEEN.search(value) and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return flow(value)


def flow_pair(key: str, value: Json) -> str:
    """``key: value`` for a mapping in brackets."""
    return _dump(_writer(), CommentedMap({"k": _flow({key: value})})).removeprefix("k: {").rstrip("\n")[:-1]


def _writer() -> YAML:
    writer = YAML()
    writer.width = 1 << 30
    writer.allow_unicode = True
    return writer


def _dump(writer: YAML, value: CommentedMap | CommentedSeq) -> str:
    written = io.StringIO()
    writer.dump(value, written)
    return written.getvalue()


def _indented(text: str, column: int, layout: Layout) -> str:
    lines = text.removesuffix("\n").split("\n")
    return "".join((" " * column + line if line else line) + layout.line_end for line in lines)


def _block(value: Json) -> object:
    if isinstance(value, str):
        inner = value.removesuffix("\n")
        if "\n" in inner and _LITERAL.fullmatch(inner) and inner == inner.rstrip():
            return LiteralScalarString(value)
        return _text(value)
    if isinstance(value, Mapping):
        return CommentedMap({_text(key): _block(item) for key, item in value.items()})
    if isinstance(value, Sequence):
        return CommentedSeq([_block(item) for item in value])
    return value


def _flow(value: Json) -> object:
    if isinstance(value, str):
        return _flow_text(value)
    if isinstance(value, Mapping):
        mapping = CommentedMap({_flow_text(key): _flow(item) for key, item in value.items()})
        mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, Sequence):
        sequence = CommentedSeq([_flow(item) for item in value])
        sequence.fa.set_flow_style()
        return sequence
    return value


def _flow_text(value: str) -> str:
    """Between brackets readers differ on what needs no quotes: all but plain words get them."""
    text = _text(value)
    if type(text) is str and not _WORDS.fullmatch(value) and value.isprintable():
        text = SingleQuotedScalarString(value)
    return text


def _text(value: str) -> str:
    text: str = value
    if _UNSEEN.search(value):
        text = DoubleQuotedScalarString(value)
    elif _MISREAD.fullmatch(value):
        text = SingleQuotedScalarString(value)
    return text
