"""Reading the hub's JSON field by field, and writing the SDK's values as JSON again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TypeGuard

from modelkeep.sdk.errors import BadAnswer


class Record:
    """One JSON object of an answer. Every getter raises :class:`BadAnswer` where the field has another type.

    Args:
        value: What the JSON parser gave.
        where: What it is part of, for the message.
    """

    def __init__(self, value: object, where: str) -> None:
        if not _is_object(value):
            raise BadAnswer(f"{where}: the hub sent {_kind(value)} where an object belongs.")
        self._fields = value
        self._where = where

    @classmethod
    def parse(cls, body: bytes, where: str) -> Record:
        """Reads a JSON document that must be an object."""
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            raise BadAnswer(f"{where}: the answer is not JSON. Is the URL that of a Modelkeep hub?") from None
        return cls(value, where)

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A string; ``default`` (if any) where it is absent or null."""
        value = self._fields.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self._wrong(name, "text", value)
        return value

    def optional_text(self, name: str) -> str | None:
        """A string, None where it is absent or null."""
        return self.text(name) if name in self else None

    def integer(self, name: str) -> int:
        """A whole number."""
        value = self._fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "a whole number", value)
        return value

    def optional_integer(self, name: str) -> int | None:
        """A whole number, None where it is absent or null."""
        return self.integer(name) if name in self else None

    def boolean(self, name: str, default: bool = False) -> bool:
        """A boolean; ``default`` where it is absent or null."""
        value = self._fields.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false", value)
        return value

    def time(self, name: str) -> datetime:
        """An RFC 3339 time, as an aware datetime."""
        text = self.text(name)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self._wrong(name, "a time", text) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def optional_time(self, name: str) -> datetime | None:
        """A time, None where it is absent or null."""
        return self.time(name) if name in self else None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty where it is absent or null."""
        return tuple(self._text_in(name, value) for value in self._list(name))

    def text_map(self, name: str) -> dict[str, str]:
        """An object whose values are strings; empty where it is absent or null."""
        value = self._fields.get(name)
        if value is None:
            return {}
        if not _is_object(value):
            raise self._wrong(name, "an object", value)
        return {key: self._text_in(name, item) for key, item in value.items()}

    def record(self, name: str) -> Record:
        """An object."""
        return Record(self._fields.get(name), f"{self._where}, {name!r}")

    def optional_record(self, name: str) -> Record | None:
        """An object, None where it is absent or null."""
        return self.record(name) if name in self else None

    def records(self, name: str) -> list[Record]:
        """A list of objects; empty where it is absent or null."""
        return [Record(value, f"{self._where}, {name!r}") for value in self._list(name)]

    def mapping(self, name: str) -> Mapping[str, object]:
        """An object as it is; empty where it is absent, null or something else."""
        value = self._fields.get(name)
        return value if _is_object(value) else {}

    @property
    def fields(self) -> Mapping[str, object]:
        """The whole object, as it is."""
        return self._fields

    def value(self, name: str) -> object:
        """A field as it is; None where it is absent."""
        return self._fields.get(name)

    def _list(self, name: str) -> list[object]:
        value = self._fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(name, "a list", value)
        return value

    def _text_in(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            raise self._wrong(name, "text", value)
        return value

    def _wrong(self, name: str, wanted: str, value: object) -> BadAnswer:
        found = "nothing" if value is None else _kind(value)
        return BadAnswer(f"{self._where}: the hub's field {name!r} should be {wanted} and is {found}.")


def to_json(value: object) -> object:
    """Turns the SDK's dataclasses into what ``json.dumps`` takes; names as on the wire, times with Z."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_json(getattr(value, name)) for name in _fields_of(type(value))}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


@cache
def _fields_of(kind: type) -> tuple[str, ...]:
    return tuple(item.name for item in dataclasses.fields(kind))


def _is_object(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _kind(value: object) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "nothing")
