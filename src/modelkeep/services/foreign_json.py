"""JSON that strangers wrote, read strictly: what is given on can be written again, by anybody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

MAX_DEPTH = 50


def read_foreign_json(text: bytes) -> Any:
    """The value that stands there.

    Raises:
        ValueError: It is no JSON, holds a name twice, a number that is none, or half a character, or is deeper than
            :data:`MAX_DEPTH`.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is too deep") from None
    _check_depth(value)
    if b"\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()  # halves of surrogate pairs cannot be encoded
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _check_depth(value: Any) -> None:
    level: Sequence[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise ValueError("it is too deep")
