"""What is wrong with a card, with the line where it stands. The Hub's clients ask before they send one.

An error keeps the card from being understood; a warning does not. What the hub does not know it lets pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches

from modelkeep.domain.card_terms import LICENSES, TASKS
from modelkeep.domain.cards import CardRemark, CardReport
from modelkeep.domain.model_card import line_of_card, split_card
from modelkeep.domain.repos import RepoKind
from modelkeep.services.yaml_tree import MAX_BYTES, Node, NodeKind, YamlFault, read_yaml
from modelkeep.services.yaml_values import Values, pairs_of

MAX_REMARKS = 50

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*|code|multilingual|unknown")
_MODEL_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(?:/[\w.-]{1,96})?", re.ASCII)
_RELATIONS = ("adapter", "finetune", "merge", "quantized")

_Check = Callable[[str, Node], None]


def check_card(text: str, kind: RepoKind = RepoKind.MODEL) -> CardReport:
    """Looks through a card; raises nothing."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        return CardReport((CardRemark(f"a card has at most {MAX_BYTES} bytes"),))
    front, _ = split_card(text)
    if front is None or not front.strip():
        is_open = front is None and text.lstrip("\ufeff").lstrip().startswith("---\n")
        more = "; the '---' at its beginning has no second '---' on a line of its own" if is_open else ""
        return CardReport((), (CardRemark(f"empty or missing yaml metadata in repo card{more}"),))
    return _Checks(line_of_card(text) - 1, kind).report(front)


class _Checks:
    """The checks of one card; ``offset`` is the number of lines before its front matter."""

    def __init__(self, offset: int, kind: RepoKind) -> None:
        self._offset = offset
        self._kind = kind
        self._errors: list[CardRemark] = []
        self._warnings: list[CardRemark] = []

    def report(self, front: str) -> CardReport:
        try:
            root = read_yaml(front.encode("utf-8", "replace")).root
            if root is None:
                self._warn("empty or missing yaml metadata in repo card", None)
            elif root.kind is not NodeKind.MAPPING:
                self._error("the metadata must be a mapping of names to values", root)
            else:
                Values().of(root)
                self._fields(root)
        except YamlFault as fault:
            line = None if fault.line is None else fault.line + self._offset
            self._errors.append(CardRemark(f"the metadata cannot be read: {fault.reason}", line))
        return CardReport(tuple(self._errors[:MAX_REMARKS]), tuple(self._warnings[:MAX_REMARKS]))

    def _fields(self, root: Node) -> None:
        known: dict[str, _Check] = {
            "license": self._license,
            "language": self._language,
            "pipeline_tag": self._task,
            "library_name": self._text,
            "base_model": self._base_model,
            "base_model_relation": self._relation,
            "model-index": self._model_index,
            "task_categories": self._tasks,
            "configs": self._configs,
            **dict.fromkeys(("tags", "datasets", "metrics", "task_ids", "size_categories"), self._texts),
        }
        for key, value in pairs_of(root):
            check = known.get(key.text)
            if check is not None and not value.is_null:
                check(key.text, value)

    def _license(self, name: str, value: Node) -> None:
        for at, item in self._items(name, value):
            if not self._is_text(at, item) or item.text in LICENSES:
                continue
            close = get_close_matches(item.text.lower()[:60], LICENSES, 1)
            hint = f"did you mean '{close[0]}'? " if close else ""
            self._error(
                f'"{at}" must be one of the identifiers that the Hub knows, such as {_some_licenses()}; '
                f"{item.text[:60]!r} is none. {hint}Say 'other' and a 'license_name' for your own",
                item,
            )

    def _language(self, name: str, value: Node) -> None:
        for at, item in self._items(name, value):
            if self._is_text(at, item) and not _LANGUAGE.fullmatch(item.text):
                self._warn(f'"{at}" should be an ISO 639 code, such as en; {item.text[:60]!r} is none', item)

    def _task(self, name: str, value: Node) -> None:
        if self._is_text(name, value) and value.text not in TASKS:
            close = get_close_matches(value.text[:60], TASKS, 1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            self._warn(f"The pipeline tag {value.text[:60]!r} is not in the official list{hint}", value)

    def _tasks(self, name: str, value: Node) -> None:
        for at, item in self._items(name, value):
            if self._is_text(at, item) and item.text not in TASKS:
                self._warn(f"The task category {item.text[:60]!r} is not in the official list", item)

    def _base_model(self, name: str, value: Node) -> None:
        for at, item in self._items(name, value):
            if self._is_text(at, item) and not _MODEL_ID.fullmatch(item.text):
                self._warn(f'"{at}" should be the id of a model; {item.text[:60]!r} is none', item)

    def _relation(self, name: str, value: Node) -> None:
        if self._is_text(name, value) and value.text not in _RELATIONS:
            self._warn(f'"{name}" should be one of {", ".join(_RELATIONS)}', value)

    def _text(self, name: str, value: Node) -> None:
        self._is_text(name, value)

    def _texts(self, name: str, value: Node) -> None:
        for at, item in self._items(name, value):
            self._is_text(at, item)

    def _model_index(self, name: str, value: Node) -> None:
        """The results of evaluations, as leaderboards read them."""
        for at, model in self._listed(name, value, of=NodeKind.MAPPING):
            fields = self._required(at, model, name=NodeKind.SCALAR, results=NodeKind.SEQUENCE)
            if "results" not in fields:
                continue
            for place, result in self._listed(f"{at}.results", fields["results"], of=NodeKind.MAPPING):
                self._result(place, result)

    def _result(self, at: str, result: Node) -> None:
        parts = self._required(
            at, result, task=NodeKind.MAPPING, dataset=NodeKind.MAPPING, metrics=NodeKind.SEQUENCE
        )
        if "task" in parts:
            self._required(f"{at}.task", parts["task"], type=NodeKind.SCALAR)
        if "dataset" in parts:
            self._required(f"{at}.dataset", parts["dataset"], type=NodeKind.SCALAR, name=NodeKind.SCALAR)
        if "metrics" in parts:
            for place, metric in self._listed(f"{at}.metrics", parts["metrics"], of=NodeKind.MAPPING):
                self._required(place, metric, type=NodeKind.SCALAR, value=None)

    def _required(self, at: str, mapping: Node, **wanted: NodeKind | None) -> dict[str, Node]:
        """The fields that a mapping must have; those that are missing or of another kind are errors."""
        found = {key.text: value for key, value in pairs_of(mapping) if key.text in wanted}
        for name, kind in wanted.items():
            value = found.get(name)
            if value is None or value.is_null:
                self._error(f'"{at}.{name}" is required', mapping)
                found.pop(name, None)
            elif kind is not None and value.kind is not kind:
                self._error(f'"{at}.{name}" must be {_NAMES[kind]}', value)
                del found[name]
        return found

    def _configs(self, name: str, value: Node) -> None:
        self._listed(name, value, NodeKind.MAPPING)

    def _listed(self, name: str, value: Node, of: NodeKind) -> list[tuple[str, Node]]:
        """The items of what must be a list, with their places; those of another kind are errors."""
        if value.kind is not NodeKind.SEQUENCE:
            self._error(f'"{name}" must be an array', value)
            return []
        items = [(f"{name}[{number}]", item) for number, item in enumerate(value.items)]
        for at, item in items:
            if item.kind is not of:
                self._error(f'"{at}" must be {_NAMES[of]}', item)
        return [(at, item) for at, item in items if item.kind is of]

    def _items(self, name: str, value: Node) -> Iterator[tuple[str, Node]]:
        """The items of what may be one text or a list of them."""
        if value.kind is NodeKind.SEQUENCE:
            yield from ((f"{name}[{number}]", item) for number, item in enumerate(value.items))
        else:
            yield name, value

    def _is_text(self, at: str, value: Node) -> bool:
        if value.is_text:
            return True
        self._error(f'"{at}" must be a string', value)
        return False

    def _error(self, message: str, node: Node) -> None:
        self._errors.append(CardRemark(message, node.line + self._offset))

    def _warn(self, message: str, node: Node | None) -> None:
        self._warnings.append(CardRemark(message, None if node is None else node.line + self._offset))


_NAMES = {
    NodeKind.MAPPING: "an object (name: value)",
    NodeKind.SEQUENCE: "an array",
    NodeKind.SCALAR: "a string",
}


def _some_licenses() -> str:
    return "apache-2.0, mit, bsd-3-clause, gpl-3.0, cc-by-4.0, openrail, llama3.1, gemma"
