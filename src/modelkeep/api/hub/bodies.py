"""Values of JSON bodies, read with care: they are whatever somebody sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelkeep.domain.errors import InvalidInput


def text_in(body: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """A text by its key; ``default`` where it is absent or null.

    Raises:
        InvalidInput: It is no text, or is missing where there is no default.
    """
    value = body.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise InvalidInput(f"Send '{key}' as text.", code="invalid_body", field=key)
    return value


def flag_in(body: Mapping[str, Any], key: str) -> bool:
    """Whether a body says yes; no where the key is absent.

    Raises:
        InvalidInput: It says neither.
    """
    value = body.get(key)
    if value not in (None, True, False):
        raise InvalidInput(f"'{key}' is true or false.", code="invalid_body", field=key)
    return value is True
