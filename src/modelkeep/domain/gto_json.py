"""JSON in the form that ``gto`` prints: four blanks of indentation, ASCII only, a line feed at the end.

The same text as ``json.dumps(value, indent=4)``, which would take several times as long (it has no C code for that).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps
from json.encoder import encode_basestring_ascii as _quoted

from modelkeep.domain.artifacts import Json


def gto_text(value: Json) -> str:
    """The whole text."""
    return _text(value, "\n") + "\n"


def _text(value: Json, line: str) -> str:
    """``line`` is the line feed with the indentation of the place where the value stands."""
    if isinstance(value, str):
        return _quoted(value)
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        inner = line + "    "
        items = [f"{_quoted(key)}: {_text(item, inner)}" for key, item in value.items()]
        return f"{{{inner}{f',{inner}'.join(items)}{line}}}"
    if isinstance(value, Sequence):
        if not value:
            return "[]"
        inner = line + "    "
        return f"[{inner}{f',{inner}'.join([_text(item, inner) for item in value])}{line}]"
    return dumps(value)
