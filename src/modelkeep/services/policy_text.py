"""From the text of a policy to what it says, or to every fault with its line and column.

The text is untrusted: anchors, tags and duplicate keys are refused, size and depth are limited.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, TypeAlias

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from modelkeep.domain.access import Role
from modelkeep.domain.policy import (
    MAINTAINERS,
    CardEvidence,
    CheckEvidence,
    Entitled,
    Evidence,
    LabelEvidence,
    MetricEvidence,
    OnSameContent,
    Policy,
    PolicyProblem,
    PolicyText,
    RollbackRule,
    StageRule,
    digest_of_text,
    listed,
)
from modelkeep.services.yaml_tree import Node, NodeKind, YamlFault, read_yaml

MAX_POLICY = 64 * 1024
"""Bytes of a policy."""

_MAX_DEPTH = 12
_MAX_PROBLEMS = 20
_MAX_SHOWN = 60

_Path: TypeAlias = tuple[str | int, ...]
_Places: TypeAlias = dict[_Path, tuple[int, int]]

_NAMES_OF_TYPES = {
    "object": "a mapping (key: value)",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}
_LIMITS = ("at_least", "at_most", "above", "below")


@cache
def policy_schema() -> Mapping[str, Any]:
    """The grammar of policies as a JSON Schema."""
    schema: dict[str, Any] = json.loads(files(__package__).joinpath("policy.schema.json").read_text("utf-8"))
    return schema


def read_policy(content: bytes) -> PolicyText:
    """Reads the bytes of a policy; raises nothing."""
    if len(content) > MAX_POLICY:
        text = content[:MAX_POLICY].decode("utf-8", "replace")
        return _faulty(text, PolicyProblem(1, 1, f"a policy has at most {MAX_POLICY // 1024} KiB"))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _faulty(content.decode("utf-8", "replace"), PolicyProblem(line, 1, "this is not UTF-8"))
    return _read(text)


def read_policy_text(text: str) -> PolicyText:
    """Reads a policy that came as text; raises nothing."""
    return read_policy(text.encode("utf-8", "surrogatepass"))


def faulty_policy(text: str, reason: str) -> PolicyText:
    """A policy that cannot be read, for this reason."""
    return _faulty(text, PolicyProblem(1, 1, reason))


@lru_cache(maxsize=256)
def _read(text: str) -> PolicyText:
    places: _Places = {}
    problems: list[PolicyProblem] = []
    value: Any = None
    try:
        root = _compose(text)
        value = _value_of(root, (), places, problems)
    except YamlFault as fault:
        reason = fault.reason.removeprefix("it is not YAML: ")[:200]
        problems.append(PolicyProblem(fault.line or 1, fault.column or 1, f"this is no YAML: {reason}"))
    except _Fault as fault:
        problems.append(fault.problem)
    except _Empty:
        problems.append(PolicyProblem(1, 1, "it is empty; begin with 'version: 1'"))
    if not problems:
        problems = _schema_problems(value, places)
    if not problems:
        problems = _faults_of_sense(value, places)
    if problems:
        return _faulty(text, *sorted(problems, key=lambda p: (p.line, p.column))[:_MAX_PROBLEMS])
    return PolicyText(text, _policy_of(value), (), digest_of_text(text))


def _faulty(text: str, *problems: PolicyProblem) -> PolicyText:
    return PolicyText(text, None, problems, digest_of_text(text))


# From text to values, with the place of each.


class _Empty(Exception):
    pass


class _Fault(Exception):
    def __init__(self, line: int, column: int, reason: str) -> None:
        super().__init__(reason)
        self.problem = PolicyProblem(line, column, reason)


def _compose(text: str) -> Node:
    with contextlib.suppress(yaml.YAMLError):  # said of the whole below
        _refuse_cleverness(text)
    root = read_yaml(text.encode()).root
    if root is None:
        raise _Empty
    return root


def _refuse_cleverness(text: str) -> None:
    depth = 0
    events: Iterator[Any] = yaml.parse(text, Loader=yaml.CSafeLoader)
    for event in events:
        place = event.start_mark.line + 1, event.start_mark.column + 1
        if getattr(event, "anchor", None) is not None:
            raise _Fault(*place, "anchors (&) and aliases (*) have no place here; write it out")
        if getattr(event, "tag", None) is not None:
            raise _Fault(*place, "tags (!) have no place here")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise _Fault(*place, "this is nested too deeply")


def _value_of(node: Node, path: _Path, places: _Places, problems: list[PolicyProblem]) -> Any:
    places[path] = node.line, node.column
    if node.kind is NodeKind.MAPPING:
        found: dict[str, Any] = {}
        for key, value in node.pairs:
            if key.kind is not NodeKind.SCALAR:
                raise _Fault(key.line, key.column, "a key is a word")
            if key.text in found:
                raise _Fault(key.line, key.column, f"'{_short(key.text)}' stands here twice")
            found[key.text] = _value_of(value, (*path, key.text), places, problems)
            places[(*path, key.text, "key")] = key.line, key.column
        return found
    if node.kind is NodeKind.SEQUENCE:
        return [_value_of(one, (*path, index), places, problems) for index, one in enumerate(node.items)]
    return _scalar(node)


def _scalar(node: Node) -> Any:
    kind, text = node.meaning, node.text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind not in ("int", "float"):
        return text
    try:
        number = int(text.replace("_", "")) if kind == "int" else float(text.replace("_", ""))
    except ValueError:
        reason = f"'{_short(text)}' is a number that is not written in decimal digits"
        raise _Fault(node.line, node.column, reason) from None
    if number - number != 0 or abs(number) > 1e300:
        raise _Fault(node.line, node.column, f"'{_short(text)}' is no finite number")
    return number


# What the schema says, in our words.


def _schema_problems(value: Any, places: _Places) -> list[PolicyProblem]:
    errors = Draft202012Validator(policy_schema()).iter_errors(value)
    return [_problem_of(error, places) for error, _ in zip(errors, range(_MAX_PROBLEMS), strict=False)]


def _problem_of(error: ValidationError, places: _Places) -> PolicyProblem:
    path: _Path = tuple(error.absolute_path)
    schema: Any = error.schema
    instance: Any = error.instance
    allowed: Any = error.validator_value
    what = f"'{path[-1]}'" if path and isinstance(path[-1], str) else "this"
    if error.validator == "additionalProperties":
        known = list(schema["properties"])
        unknown = next(key for key in instance if key not in known)
        close = get_close_matches(unknown, known, 1)
        hint = f"did you mean '{close[0]}'?" if close else f"there are {listed(known)}"
        reason = f"there is no key '{_short(unknown)}' here; {hint}"
        return PolicyProblem(*_place((*path, unknown, "key"), places), reason)
    if error.validator == "dependentRequired":
        key = next(key for key in allowed if key in instance)
        needed = allowed[key][0]
        return PolicyProblem(*_place((*path, key, "key"), places), f"'{key}' goes with '{needed}'")
    return PolicyProblem(*_place(path, places), _reason_of(error, what))


def _reason_of(error: ValidationError, what: str) -> str:
    allowed: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    if error.validator == "required":
        missing = next(key for key in allowed if key not in instance)
        return f"'{missing}' is missing"
    if error.validator == "type":
        return f"{what} must be {_NAMES_OF_TYPES.get(str(allowed), str(allowed))}"
    if error.validator == "const":
        return f"{what} must be {allowed}"
    if error.validator == "enum":
        return f"{what} must be one of {listed([str(one) for one in allowed], 'or')}"
    if error.validator == "oneOf":
        return "evidence is one of metric, label, card and check; begin a new '-' for each"
    if error.validator in ("minimum", "maximum"):
        return f"{what} must be {'at least' if error.validator == 'minimum' else 'at most'} {allowed}"
    if error.validator in ("minItems", "minProperties", "minLength"):
        return f"{what} must not be empty"
    if error.validator in ("maxItems", "maxLength"):
        return f"{what} is longer than {allowed}"
    if error.validator == "uniqueItems":
        return f"{what} names something twice"
    hint = str(schema.get("description", "it does not fit"))
    return f"'{_short(str(instance))}' will not do: {hint[0].lower()}{hint[1:].rstrip('.')}"


def _place(path: _Path, places: _Places) -> tuple[int, int]:
    while path and path not in places:
        path = path[:-1]
    return places.get(path, (1, 1))


# What no schema can say.


def _faults_of_sense(value: Mapping[str, Any], places: _Places) -> list[PolicyProblem]:
    problems: list[PolicyProblem] = []
    stages = value.get("stages", ())
    names = {stage["name"] for stage in stages}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for index, stage in enumerate(stages):
        path: _Path = ("stages", index)
        entry = (stage["name"], tuple(stage.get("artifacts", ("*",))))
        if entry in seen:
            reason = f"stage '{stage['name']}' stands here twice for the same artifacts"
            problems.append(PolicyProblem(*_place((*path, "name"), places), reason))
        seen.add(entry)
        for number, before in enumerate(stage.get("after", ())):
            place = _place((*path, "after", number), places)
            if before == stage["name"]:
                problems.append(PolicyProblem(*place, "a stage cannot come after itself"))
            elif before not in names:
                problems.append(PolicyProblem(*place, f"there is no stage '{before}' in this policy"))
        for number, evidence in enumerate(stage.get("evidence", ())):
            if "metric" in evidence and not any(limit in evidence for limit in _LIMITS):
                reason = f"say what the metric must be: {listed(_LIMITS, 'or')}"
                problems.append(PolicyProblem(*_place((*path, "evidence", number), places), reason))
    circle = None if problems else _circle(stages)
    if circle is not None:
        place = _place(("stages", circle, "after"), places)
        problems.append(PolicyProblem(*place, "these stages wait for one another: none could be entered"))
    return problems


def _circle(stages: Sequence[Mapping[str, Any]]) -> int | None:
    """The first stage that leads back to itself through ``after``."""
    before: dict[str, set[str]] = {}
    for stage in stages:
        before.setdefault(stage["name"], set()).update(stage.get("after", ()))
    for index, stage in enumerate(stages):
        reached: set[str] = set()
        waiting = list(stage.get("after", ()))
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += before[name]
        if stage["name"] in reached:
            return index
    return None


# From values to what they mean.


def _policy_of(value: Mapping[str, Any]) -> Policy:
    versions = value.get("versions", {})
    return Policy(
        stages=tuple(_stage(stage) for stage in value.get("stages", ())),
        is_ordered=value.get("ordered", False),
        is_immutable=versions.get("immutable", False),
        on_same_content=OnSameContent(versions.get("unique_content", OnSameContent.WARN)),
        is_enforced=value.get("enforced", False),
    )


def _stage(value: Mapping[str, Any]) -> StageRule:
    assign = _entitled(value.get("assign"), MAINTAINERS)
    return StageRule(
        name=value["name"],
        assign=assign,
        after=tuple(value["after"]) if "after" in value else None,
        branches=tuple(value.get("branches", ())),
        approvals=value.get("approvals", 0),
        approvers=_entitled(value.get("approvers"), assign),
        needs_signature=value.get("signed", False),
        evidence=tuple(_evidence(one) for one in value.get("evidence", ())),
        artifacts=tuple(value.get("artifacts", ("*",))),
        rollback=RollbackRule(value.get("rollback", RollbackRule.CHECKED)),
    )


def _entitled(value: Mapping[str, Any] | None, otherwise: Entitled) -> Entitled:
    if value is None:
        return otherwise
    role = Role.parse(value["role"]) if "role" in value else None
    return Entitled(role, tuple(value.get("users", ())))


def _evidence(value: Mapping[str, Any]) -> Evidence:
    if "metric" in value:
        limits = {name: float(value[name]) for name in _LIMITS if name in value}
        return MetricEvidence(value["metric"], file=value.get("file"), **limits)
    if "label" in value:
        return LabelEvidence(value["label"])
    if "card" in value:
        return CardEvidence()
    return CheckEvidence(value["check"], _entitled(value.get("by"), MAINTAINERS))


def _short(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:_MAX_SHOWN])
