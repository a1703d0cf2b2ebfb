"""Changes of single values in YAML files that people wrote: every other byte stays as it is.

A change is a replacement of text at places that the parser gave. The result is parsed again and compared with what
was there: if anything else says something else now, the change is refused, and the file is left to people.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modelkeep.domain.artifacts import Json
from modelkeep.services.yaml_spans import (
    Splice,
    layout_of,
    ways_to_add,
    ways_to_append,
    ways_to_begin,
    ways_to_remove,
    ways_to_replace,
    ways_to_take,
)
from modelkeep.services.yaml_tree import Document, Node, NodeKind, YamlFault, read_yaml
from modelkeep.services.yaml_values import Values

_BOM = b"\xef\xbb\xbf"
_MOST_STEPS = 30

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Put:
    """The key at ``path`` gets a value."""

    path: Path
    value: Json


@dataclass(frozen=True, slots=True)
class _Drop:
    """The key at ``path`` goes."""

    path: Path


@dataclass(frozen=True, slots=True)
class _Append:
    """The list at ``path`` gets another item."""

    path: Path
    value: Json


@dataclass(frozen=True, slots=True)
class _Take:
    """The list at ``path`` loses an item."""

    path: Path
    index: int


_Step = _Put | _Drop | _Append | _Take


def find(root: Node | None, path: Sequence[str]) -> Node | None:
    """The node at a path of keys; None where a key is not there. What only a merge (``<<``) brings is not there.

    Raises:
        YamlFault: A key on the way stands there twice.
    """
    node = root
    for name in path:
        if node is None or node.kind is not NodeKind.MAPPING:
            return None
        found = [
            (key, value) for key, value in node.pairs if key.text == name and key.kind is NodeKind.SCALAR
        ]
        if len(found) > 1:
            raise YamlFault("duplicate_key", f"{name[:60]!r} stands here twice", found[1][0].line)
        node = found[0][1] if found else None
    return node


def set_value(content: bytes, path: Path, value: Json) -> bytes:
    """The file with the value at ``path``, its key and the mappings around it made where they are missing.

    Lists and mappings are changed entry by entry where that takes few steps, so that comments among them stay.

    Raises:
        YamlFault: The file cannot be read, or cannot be changed without touching something else (``not_editable``).
    """
    old = find(read_yaml(content).root, path)
    steps: list[_Step] = [_Put(path, value)] if old is None else list(_steps(old, path, value))
    if len(steps) > _MOST_STEPS:
        steps = [_Put(path, value)]
    try:
        return _all(content, steps)
    except YamlFault as fault:
        if fault.code != "not_editable" or steps == [_Put(path, value)]:
            raise
        return _all(content, [_Put(path, value)])


def remove_value(content: bytes, path: Path) -> bytes:
    """The file without the key at ``path``; a mapping that it empties becomes ``{}``.

    Raises:
        YamlFault: As :func:`set_value`.
    """
    if find(read_yaml(content).root, path) is None:
        return content
    return _all(content, [_Drop(path)])


def _steps(old: Node, path: Path, value: Json) -> Iterator[_Step]:
    if _says(old, value):
        return
    is_own = not old.is_alias and old.anchor is None
    if is_own and old.kind is NodeKind.MAPPING and old.pairs and isinstance(value, Mapping) and value:
        present = {key.text: child for key, child in old.pairs}
        for name, wanted in value.items():
            if name in present:
                yield from _steps(present[name], (*path, name), wanted)
            else:
                yield _Put((*path, name), wanted)
        yield from [_Drop((*path, name)) for name in present if name not in value]
    elif is_own and old.kind is NodeKind.SEQUENCE and isinstance(value, list):
        yield from _item_steps(old, path, value)
    else:
        yield _Put(path, value)


def _item_steps(old: Node, path: Path, value: list[Json]) -> Iterator[_Step]:
    items = [_json(item) for item in old.items]
    kept = [index for index, item in enumerate(items) if item in value]
    stays = [items[index] for index in kept]
    if not stays or value[: len(stays)] != stays:
        yield _Put(path, value)
        return
    yield from (_Append(path, item) for item in value[len(stays) :])
    yield from (_Take(path, index) for index in reversed(range(len(items))) if index not in kept)


def _all(content: bytes, steps: Sequence[_Step]) -> bytes:
    for step in steps:
        content = _apply(content, step)
    return content


def _apply(content: bytes, step: _Step) -> bytes:
    document = read_yaml(content)
    _check_own(document, step.path)
    if isinstance(step, _Put):
        return _put(content, document, step)
    mapping, position = _pair(document, step.path)
    old = mapping.pairs[position][1]
    if isinstance(step, _Drop):
        if len(mapping.pairs) == 1:
            return _emptied(content, document, step.path[:-1])
        _check_unused(document, mapping.pairs[position])
        return _first_right(content, document, ways_to_remove(document, mapping, position), step.path, None)
    present = _json(old)
    if not isinstance(present, list):  # pragma: no cover - steps are made of what is there
        raise _not_editable(old, "it is no list")
    if isinstance(step, _Append):
        ways = ways_to_append(document, old, step.value, layout_of(document))
        return _first_right(content, document, ways, step.path, _Put(step.path, [*present, step.value]))
    _check_unused(document, (old.items[step.index],))
    ways = ways_to_take(document, old, step.index)
    rest = present[: step.index] + present[step.index + 1 :]
    return _first_right(content, document, ways, step.path, _Put(step.path, rest))


def _put(content: bytes, document: Document, step: _Put) -> bytes:
    layout = layout_of(document)
    mapping = find(document.root, step.path[:-1])
    if mapping is None or mapping.kind is not NodeKind.MAPPING:
        if mapping is not None and not mapping.is_null:
            raise _not_editable(mapping, f"'{'.'.join(step.path[:-1]) or 'the file'}' is no mapping")
        if step.path[:-1]:
            return _apply(content, _Put(step.path[:-1], {step.path[-1]: step.value}))
        ways = ways_to_begin(document, step.path[-1], step.value, layout)
    elif find(mapping, step.path[-1:]) is not None:
        _, position = _pair(document, step.path)
        _check_unused(document, mapping.pairs[position][1:])
        ways = ways_to_replace(document, mapping, position, step.value, layout)
    elif mapping.pairs or not mapping.is_flow:
        ways = ways_to_add(document, mapping, step.path[-1], step.value, layout)
    elif step.path[:-1]:
        return _apply(content, _Put(step.path[:-1], {step.path[-1]: step.value}))
    else:
        ways = ways_to_begin(document, step.path[-1], step.value, layout)
    return _first_right(content, document, ways, step.path, step)


def _emptied(content: bytes, document: Document, path: Path) -> bytes:
    root = document.root
    if path or root is None:
        return _apply(content, _Put(path, {}))
    _check_unused(document, (root,))
    new = _bytes(
        content, Splice(root.start, root.start + len(document.text[root.start : root.stop].rstrip()), "{}")
    )
    if not _says(read_yaml(new).root or root, {}):
        raise _not_editable(root, "nothing would be left, and that cannot be written")
    return new


def _first_right(
    content: bytes, document: Document, ways: Sequence[Splice], path: Path, wanted: _Put | None
) -> bytes:
    """The file after the first of the ways that changes what it should and nothing else."""
    before = _shape(document.root, path)
    for way in ways:
        new = _bytes(content, way)
        try:
            root = read_yaml(new).root
            there = find(root, path)
            if _shape(root, path) == before and (
                there is None if wanted is None else there is not None and _says(there, wanted.value)
            ):
                return new
        except YamlFault:
            continue
    near = next((node for node in (find(document.root, path), document.root) if node is not None), None)
    raise _not_editable(near, "the way it is written leaves no place to change it without changing more")


def _bytes(content: bytes, way: Splice) -> bytes:
    mark = _BOM if content.startswith(_BOM) else b""
    return mark + way.of(content.removeprefix(mark).decode()).encode()


def _pair(document: Document, path: Path) -> tuple[Node, int]:
    mapping = find(document.root, path[:-1])
    for position, (key, _) in enumerate(mapping.pairs if mapping is not None else ()):
        if mapping is not None and key.text == path[-1] and key.kind is NodeKind.SCALAR:
            return mapping, position
    raise _not_editable(mapping, f"'{path[-1]}' is not there")  # pragma: no cover - looked up before


def _shape(node: Node | None, path: Path) -> object:
    """All that a tree says but for what is at ``path``, with its anchors and aliases by name."""
    if node is None or (path and node.is_null):
        return NodeKind.MAPPING, "", "", None, None, ()
    if node.is_alias:
        return node.anchor
    children: list[object] = [_shape(item, ()) for item in node.items]
    for key, value in node.pairs:
        if path != (key.text,):
            children += [_shape(key, ()), _shape(value, path[1:] if path[:1] == (key.text,) else ())]
    return node.kind, node.meaning, node.text, node.tag, node.anchor, tuple(children)


def _check_own(document: Document, path: Path) -> None:
    """Refuses to change what other places of the file share."""
    used = _aliases((document.root,))
    for length in range(len(path)):
        node = find(document.root, path[:length])
        if node is not None and (node.is_alias or used[node.anchor or ""]):
            raise _not_editable(node, f"other places of the file share it (&{(node.anchor or '')[:60]})")


def _check_unused(document: Document, gone: Sequence[Node]) -> None:
    """Refuses to take away an anchor that is called from elsewhere."""
    elsewhere = _aliases((document.root,)) - _aliases(gone)
    for node in _walk(gone):
        if not node.is_alias and node.anchor is not None and elsewhere[node.anchor]:
            raise _not_editable(
                node, f"other places of the file use what is written here (&{node.anchor[:60]})"
            )


def _aliases(nodes: Sequence[Node | None]) -> Counter[str]:
    return Counter(node.anchor or "" for node in _walk(nodes) if node.is_alias)


def _walk(nodes: Sequence[Node | None]) -> Iterator[Node]:
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node is not None:
            yield node
            if not node.is_alias:
                waiting += node.items
                waiting += [part for pair in node.pairs for part in pair]


def _says(node: Node, value: Json) -> bool:
    """Whether a node says this value, types and all."""
    if isinstance(value, str) and not node.is_text:
        return False
    try:
        return json.dumps(_json(node), sort_keys=True) == json.dumps(value, sort_keys=True)
    except YamlFault:
        return False


def _json(node: Node) -> Json:
    return Values().of(node)


def _not_editable(node: Node | None, reason: str) -> YamlFault:
    return YamlFault("not_editable", reason, node.line if node is not None else None)
