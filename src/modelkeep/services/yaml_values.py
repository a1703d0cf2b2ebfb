"""What the nodes of a YAML file mean: merges followed, duplicates found, values within a budget."""

from __future__ import annotations

import math
from collections.abc import Iterator

from modelkeep.domain.artifacts import Json
from modelkeep.services.yaml_tree import MAX_BYTES, MAX_DEPTH, MAX_NODES, Node, NodeKind, YamlFault

_LONGEST_NUMBER = 40
_MOST_MERGES = 1000


def pairs_of(mapping: Node) -> Iterator[tuple[Node, Node]]:
    """The pairs of a mapping, those merged into it (``<<``) after its own; of several with one key the first.

    Raises:
        YamlFault: A merge of something else than mappings, or too many pairs.
    """
    seen: set[tuple[str, str]] = set()
    waiting, count, rounds = [mapping], 0, 0
    while waiting:
        current, rounds = waiting.pop(), rounds + 1
        merged: list[Node] = []
        for key, value in current.pairs:
            count += 1
            if count > MAX_NODES or rounds > _MOST_MERGES:
                raise YamlFault("too_much_expanded", "its merges (<<) expand to too much", mapping.line)
            if key.meaning == "merge" and not key.style:
                merged += _merged(value)
            elif (key.meaning, key.text) not in seen or key.kind is not NodeKind.SCALAR:
                seen.add((key.meaning, key.text))
                yield key, value
        waiting += reversed(merged)


def duplicates_of(mapping: Node) -> list[Node]:
    """The keys that a mapping itself has a second time."""
    seen: set[tuple[str, str]] = set()
    found = []
    for key, _ in mapping.pairs:
        if key.kind is NodeKind.SCALAR and (key.meaning, key.text) in seen:
            found.append(key)
        seen.add((key.meaning, key.text))
    return found


class Values:
    """Turns nodes into JSON values, within one budget for all of a file: aliases can make much of little."""

    def __init__(self) -> None:
        self._nodes = MAX_NODES
        self._characters = 2 * MAX_BYTES

    @property
    def spent(self) -> int:
        """How many nodes were turned into values."""
        return MAX_NODES - max(self._nodes, 0)

    def of(self, node: Node) -> Json:
        """The value of a node. Times, infinities and keys that are no text become the text that stands there.

        Raises:
            YamlFault: A tag that is not YAML's own, a duplicate or compound key, or the budget is spent.
        """
        return self._of(node, 0)

    def _of(self, node: Node, depth: int) -> Json:
        self._spend(node, depth)
        if node.tag is not None:
            raise YamlFault(
                "unknown_tag", f"the tag {node.tag[:60]!r} is not allowed", node.line, node.column
            )
        if node.kind is NodeKind.SCALAR:
            return _scalar(node)
        if node.kind is NodeKind.SEQUENCE:
            return [self._of(item, depth + 1) for item in node.items]
        for key in duplicates_of(node):
            raise YamlFault(
                "duplicate_key", f"the key {key.text[:60]!r} stands here twice", key.line, key.column
            )
        found: dict[str, Json] = {}
        for key, value in pairs_of(node):
            if key.kind is not NodeKind.SCALAR:
                raise YamlFault("compound_key", "a key must be a single word or number", key.line, key.column)
            found[key.text] = self._of(value, depth + 1)
        return found

    def _spend(self, node: Node, depth: int) -> None:
        self._nodes -= 1
        self._characters -= len(node.text)
        if self._nodes < 0 or self._characters < 0 or depth > MAX_DEPTH:
            raise YamlFault(
                "too_much_expanded", "its aliases (*name) expand to too much", node.line, node.column
            )


def _scalar(node: Node) -> Json:
    text = node.text
    try:
        match node.meaning:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" if len(text) <= _LONGEST_NUMBER:
                return _integer(text.replace("_", ""))
            case "float" if len(text) <= _LONGEST_NUMBER and text[-1].lower() not in "fn":
                number = float(text.replace("_", ""))
                return number if math.isfinite(number) else text
    except (ValueError, IndexError):  # a tag that does not fit, such as !!int x
        pass
    return text


def _integer(text: str) -> int:
    sign, digits = (-1 if text[0] == "-" else 1), text.lstrip("+-")
    for prefix, base in (("0b", 2), ("0x", 16), ("0o", 8)):
        if digits.startswith(prefix):
            return sign * int(digits[2:], base)
    return sign * int(digits)


def _merged(value: Node) -> list[Node]:
    found = value.items if value.kind is NodeKind.SEQUENCE else [value]
    for node in found:
        if node.kind is not NodeKind.MAPPING:
            raise YamlFault(
                "bad_merge", "'<<' takes a mapping, or a list of mappings", value.line, value.column
            )
    return list(found)
