"""Where in the text of a YAML file a change goes: as few characters as can be, comments left where they are.

Each function gives the ways there are, the best first; whoever applies one looks whether it says what it should.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from modelkeep.domain.artifacts import Json
from modelkeep.services.yaml_text import Layout, after_colon, block_item, block_pair, flow, flow_pair, quoted
from modelkeep.services.yaml_tree import Document, Node, NodeKind

_COLON = re.compile(r"[ \t]*:")
_DASH = re.compile(r"[ \t]*-[ \t]+")
_DOCUMENT_END = re.compile(r"^\.\.\.", re.MULTILINE)
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Splice:
    """Characters ``start`` to ``stop`` become ``text``."""

    start: int
    stop: int
    text: str

    def of(self, text: str) -> str:
        """The text after it."""
        return text[: self.start] + self.text + text[self.stop :]


def layout_of(document: Document) -> Layout:
    """How the file is laid out, as far as it shows."""
    step, dash = None, None
    waiting = [document.root] if document.root else []
    for _ in range(_LOOKED_AT):
        if not waiting or (step and dash is not None):
            break
        node = waiting.pop(0)
        for key, value in node.pairs[:_LOOKED_AT] if not node.is_flow and not node.is_alias else ():
            if value.is_flow or value.is_alias:
                continue
            if value.kind is NodeKind.MAPPING:
                step = step or value.column - key.column
                waiting.append(value)
            elif value.kind is NodeKind.SEQUENCE:
                dash = value.column - key.column if dash is None else dash
    line_end = "\r\n" if "\r\n" in document.text else "\n"
    return Layout(min(max(step or 2, 1), 16), min(max(dash or 0, 0), 16), line_end)


def end_of(text: str, node: Node) -> int:
    """Where the last visible character of a node ends."""
    return node.start + len(text[node.start : node.stop].rstrip())


def _pair_end(text: str, pair: tuple[Node, Node]) -> int:
    """Where a pair ends; a value that is not written is nowhere, whatever its marks say."""
    key, value = pair
    if value.start < value.stop:
        return max(key.stop, end_of(text, value))
    colon = _COLON.match(text, key.stop)
    return colon.end() if colon else key.stop


def ways_to_add(document: Document, mapping: Node, key: str, value: Json, layout: Layout) -> list[Splice]:
    """Puts another pair into a mapping that has some, or into the brackets of an empty one."""
    text = document.text
    if mapping.is_flow:
        if not mapping.pairs:
            return [Splice(mapping.stop - 1, mapping.stop - 1, flow_pair(key, value))]
        stop = _pair_end(text, mapping.pairs[-1])
        return [Splice(stop, stop, ", " + flow_pair(key, value))]
    first, last = mapping.pairs[0][0], mapping.pairs[-1][1]
    if not _begins_line(text, first):
        return []
    new = block_pair(key, value, first.column - 1, layout)
    stop = _pair_end(text, mapping.pairs[-1])
    after = [_line_stop(text, stop), max(stop, last.stop)]
    if mapping is document.root and not _DOCUMENT_END.search(text, stop):
        after.insert(0, len(text))
    begin = _line_start(text, first.start)
    return [_on_new_line(text, place, new, layout) for place in after] + [Splice(begin, begin, new)]


def ways_to_begin(document: Document, key: str, value: Json, layout: Layout) -> list[Splice]:
    """Puts the first pair into a file that says nothing yet, or only ``{}``."""
    text, root, new = document.text, document.root, block_pair(key, value, 0, layout)
    if root is None:
        mark = _DOCUMENT_END.search(text)
        return [_on_new_line(text, mark.start() if mark else len(text), new, layout)]
    stop = _line_stop(text, root.stop)
    comment = text[root.stop : stop].strip()
    if not comment:
        return [Splice(root.start, root.stop, new.removesuffix(layout.line_end))]
    return [Splice(root.start, stop, comment + layout.line_end + new)]


def ways_to_replace(
    document: Document, mapping: Node, position: int, value: Json, layout: Layout
) -> list[Splice]:
    """Puts another value in the place of one."""
    text = document.text
    key, old = mapping.pairs[position]
    colon = _COLON.match(text, key.stop)
    if colon is None:
        return []
    inline = " " + (quoted(value, old.style) if isinstance(value, str) else flow(value))
    is_beside = old.start < old.stop and "\n" not in text[colon.end() : old.start]
    if mapping.is_flow:
        in_place = Splice(old.start, old.stop, inline[1:])
        return [in_place if old.start < old.stop else Splice(colon.end(), colon.end(), inline)]
    stop = _pair_end(text, (key, old))
    block = after_colon(value, key.column - 1, layout)
    if (
        old.start < old.stop and "#" in text[colon.end() : old.start]
    ):  # a comment stands between the key and its value: it stays
        begin = _line_start(text, old.start)
        below = " " * (key.column - 1 + layout.step) + flow(value)
        lines = block.lstrip("\r\n") if block.startswith(("\r", "\n")) else below
        return [Splice(begin, stop, lines), Splice(begin, stop, below)]
    at = colon.end()
    if is_beside and "\n" not in block:  # on one line, as it was: the blanks before it stay
        at, block, inline = old.start, inline[1:], inline[1:]
    ways = [Splice(at, stop, block), Splice(at, stop, inline)]
    has_comment = "\n" in block and text[stop : _line_stop(text, stop)].strip() != ""
    is_bracketed = old.is_flow and bool(old.items or old.pairs)
    return ways[::-1] if has_comment or is_bracketed else ways


def ways_to_remove(document: Document, mapping: Node, position: int) -> list[Splice]:
    """Takes a pair out of a mapping that has others."""
    text = document.text
    key, value = mapping.pairs[position]
    if not mapping.is_flow:
        if not _begins_line(text, key):
            return []
        stop = _pair_end(text, (key, value))
        return [Splice(_line_start(text, key.start), _line_stop(text, stop), "")]
    if position:
        before = _pair_end(text, mapping.pairs[position - 1])
        return [Splice(before, _pair_end(text, (key, value)), "")]
    return [Splice(key.start, mapping.pairs[1][0].start, "")]


def ways_to_append(document: Document, sequence: Node, value: Json, layout: Layout) -> list[Splice]:
    """Puts another item at the end of a list that has some."""
    last = sequence.items[-1]
    if sequence.is_flow:
        return [Splice(last.stop, last.stop, ", " + flow(value))]
    new = block_item(value, sequence.column - 1, layout)
    return [_on_new_line(document.text, _line_stop(document.text, end_of(document.text, last)), new, layout)]


def ways_to_take(document: Document, sequence: Node, index: int) -> list[Splice]:
    """Takes an item out of a list that has others."""
    text, item = document.text, sequence.items[index]
    if sequence.is_flow:
        if index:
            return [Splice(sequence.items[index - 1].stop, item.stop, "")]
        return [Splice(item.start, sequence.items[1].start, "")]
    begin = _line_start(text, item.start)
    if not _DASH.fullmatch(text[begin : item.start]):
        return []
    return [Splice(begin, _line_stop(text, end_of(text, item)), "")]


def _on_new_line(text: str, place: int, new: str, layout: Layout) -> Splice:
    before = "" if place == 0 or text[place - 1] == "\n" else layout.line_end
    return Splice(place, place, before + new)


def _begins_line(text: str, node: Node) -> bool:
    return text[_line_start(text, node.start) : node.start].strip(" ") == ""


def _line_start(text: str, place: int) -> int:
    return text.rfind("\n", 0, place) + 1


def _line_stop(text: str, place: int) -> int:
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1
