"""What somebody wants to say about an artifact, checked before any file is touched."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from modelkeep.domain.artifacts import Annotation, Json
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.names import is_gto_name

FIELDS = ("type", "path", "virtual", "labels", "description", "custom")
"""Of GTO's artifacts, in the order in which they are written."""

MOST_LABELS = 100
LONGEST_WORD = 200
LONGEST_PATH = 4096
LONGEST_DESCRIPTION = 10_000
LARGEST_CUSTOM = 64 << 10
DEEPEST_CUSTOM = 20

_GREATEST_NUMBER = 2**63
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class AnnotationChange:
    """Changes of one artifact's annotation.

    Attributes:
        fields: What becomes of the :data:`FIELDS` named here; None takes one away.
        add_labels: Labels to have as well.
        remove_labels: Labels to have no longer.
        must_exist: The path must be in the repo; then the artifact is not virtual.
        allow_same_path: The path may be that of another artifact, or above or below it.
    """

    fields: Mapping[str, Json] = field(default_factory=dict)
    add_labels: Sequence[str] = ()
    remove_labels: Sequence[str] = ()
    must_exist: bool = False
    allow_same_path: bool = False

    def checked(self) -> AnnotationChange:
        """The same, with what is empty taken for None, and the path in its shortest form.

        Raises:
            InvalidInput: A value cannot be that of its field.
        """
        if "labels" in self.fields and (self.add_labels or self.remove_labels):
            raise InvalidInput(
                "Give either the labels, or what to add to them and to remove, not both.", code="labels_twice"
            )
        fields = {name: _checked(name, value) for name, value in self.fields.items()}
        _check_labels(list(self.add_labels))
        _check_labels(list(self.remove_labels), must_be_names=False)
        return replace(self, fields=fields)

    def wanted(self, present: Annotation | None) -> dict[str, Json]:
        """The fields that change (all that are named, where nothing is known of before); None for those that go."""
        before = present or Annotation("")
        after = dict(self.fields)
        if self.add_labels or self.remove_labels:
            labels = [label for label in before.labels if label not in self.remove_labels]
            labels += [label for label in self.add_labels if label not in labels]
            after["labels"] = list(dict.fromkeys(labels)) or None
        if self.must_exist:
            after["virtual"] = False
        elif after.get("path") is not None and "virtual" not in after:
            after["virtual"] = None  # as GTO has it: a new path is not known to be in the repo
        now = _fields_of(before)
        return {
            name: after[name]
            for name in FIELDS
            if name in after and (present is None or not _is_same(after[name], now[name]))
        }


def checked_path(path: str) -> str:
    """A path that an artifact may have, in its shortest form; an address (``s3://…``) as it is.

    Raises:
        InvalidInput: It is too long, absolute, leads out of the repo, or has characters that no path can have.
    """
    if len(path) > LONGEST_PATH or not path.isprintable() or path != path.strip():
        raise _bad_path(path, f"it needs 1 to {LONGEST_PATH} characters, without blanks around them")
    if Annotation("", path=path).is_link:
        if " " in path:
            raise _bad_path(path, "an address has no blanks in it; write %20")
        return path
    shortest = posixpath.normpath(path)
    if shortest.startswith(("/", "../")) or shortest == ".." or "\\" in path:
        raise _bad_path(path, "write it from the root of the repo, as models/churn.onnx")
    return shortest


def overlapping(path: str, others: Mapping[str, Annotation]) -> str | None:
    """The name of an artifact whose path is this one, or above or below it; None where there is none."""
    mine = _parts(path)
    for name, other in others.items():
        if other.path:
            parts = _parts(other.path)
            shorter = min(len(parts), len(mine))
            if parts[:shorter] == mine[:shorter]:
                return name
    return None


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _fields_of(annotation: Annotation) -> dict[str, Json]:
    return {
        "type": annotation.type,
        "path": annotation.path,
        "virtual": None if annotation.is_virtual else False,
        "labels": list(annotation.labels) or None,
        "description": annotation.description or None,
        "custom": annotation.custom,
    }


def _is_same(one: Json, other: Json) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _checked(name: str, value: Json) -> Json:
    if value is None or (name != "custom" and value in ("", [])):
        return None
    if name == "type" and isinstance(value, str):
        return _word(value, "a type")
    if name == "path" and isinstance(value, str):
        return checked_path(value)
    if name == "virtual" and isinstance(value, bool):
        return None if value else False
    if name == "labels" and isinstance(value, list):
        return list(dict.fromkeys(_check_labels(value)))
    if name == "description" and isinstance(value, str):
        return _description(value)
    if name == "custom":
        _check_custom(value)
        return value
    raise InvalidInput(f"'{name}' cannot be {type(value).__name__}.", code="invalid_annotation", field=name)


def _check_labels(labels: Sequence[Json], *, must_be_names: bool = True) -> list[str]:
    if len(labels) > MOST_LABELS:
        raise InvalidInput(f"An artifact has at most {MOST_LABELS} labels.", code="invalid_label")
    checked = []
    for label in labels:
        if not isinstance(label, str):
            raise InvalidInput("A label is text.", code="invalid_label")
        checked.append(_word(label, "a label") if must_be_names else label)
    return checked


def _word(text: str, what: str) -> str:
    if len(text) > LONGEST_WORD or not is_gto_name(text):
        raise InvalidInput(
            f"{text[:80]!a} cannot be {what}: use letters, digits, '-', '_' or '/', with a letter or a digit at "
            "both ends.",
            code="invalid_label" if what == "a label" else "invalid_annotation",
        )
    return text


def _description(text: str) -> str:
    text = text.replace("\r\n", "\n")
    if len(text) > LONGEST_DESCRIPTION or not _is_plain(text):
        raise InvalidInput(
            f"A description has at most {LONGEST_DESCRIPTION} characters, line feeds and tabs among them but no other "
            "control characters.",
            code="invalid_annotation",
            field="description",
        )
    return text


def _check_custom(value: Json) -> None:
    try:
        size = len(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except (ValueError, RecursionError):  # infinite numbers, half characters
        size = LARGEST_CUSTOM + 1
    if size > LARGEST_CUSTOM or not _is_writable(value, 0):
        raise InvalidInput(
            f"'custom' takes JSON of at most {LARGEST_CUSTOM} bytes and {DEEPEST_CUSTOM} levels, with whole numbers "
            "of 64 bits, and text without control characters.",
            code="invalid_annotation",
            field="custom",
        )


def _is_writable(value: Json, depth: int) -> bool:
    if depth > DEEPEST_CUSTOM:
        return False
    if isinstance(value, str):
        return _is_plain(value)
    if isinstance(value, Mapping):
        return all(_is_plain(key) and _is_writable(item, depth + 1) for key, item in value.items())
    if isinstance(value, Sequence):
        return all(_is_writable(item, depth + 1) for item in value)
    return not isinstance(value, int) or -_GREATEST_NUMBER <= value < _GREATEST_NUMBER


def _is_plain(text: str) -> bool:
    return _CONTROL.search(text) is None


def _bad_path(path: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"{path[:80]!a} cannot be the path of an artifact: {why}.", code="invalid_annotation", field="path"
    )
