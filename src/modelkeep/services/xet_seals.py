"""What clients of the Xet store carry around: short texts of ours, sealed until a time.

A text says who asks and what for; it is no right. When it is used the rights of its owner are looked up again.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelkeep.domain.errors import NotPermitted
from modelkeep.services.ports import Stores

_LONGEST = 4096
_LEAST = 4

Value = str | int | None | list[int]


@dataclass(frozen=True, slots=True)
class Holder:
    """For whom a text was sealed: a repo, a user (None for anybody), the token that the user had (None for none)."""

    repo_id: str
    user_id: int | None
    token_id: int | None


class Seals:
    """Seals texts of one hub and opens them."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def seal(self, purpose: str, holder: Holder, values: Sequence[Value], expires_at: int) -> str:
        """One text with these values, good for one purpose."""
        content = [expires_at, holder.repo_id, holder.user_id, holder.token_id, *values]
        payload = json.dumps(content, separators=(",", ":"))
        signature = self._stores.signer.sign(f"xet {purpose}", {"content": payload}, expires_at)
        return f"{base64.urlsafe_b64encode(payload.encode()).decode().rstrip('=')}.{signature}"

    def open(self, purpose: str, text: str) -> tuple[Holder, list[Any]]:
        """For whom a text was sealed, and its values.

        Raises:
            NotPermitted: It is cut, changed, or was sealed for another purpose (``forged_url``), or its time is over
                (``expired_url``).
        """
        payload, signature, content = _decode(text)
        expires_at, *values = content
        now = int(self._stores.now().timestamp())
        self._stores.signer.verify(f"xet {purpose}", {"content": payload}, expires_at, signature, now=now)
        repo_id, user_id, token_id, *rest = values
        return Holder(repo_id, user_id, token_id), rest

    def deadline(self, seconds: float) -> int:
        """The time in so many seconds, in seconds since 1970."""
        return int(self._stores.now().timestamp() + seconds)


def _decode(text: str) -> tuple[str, str, list[Any]]:
    """The parts of a text. Nothing of it is to be believed before its signature was verified."""
    try:
        encoded, dot, signature = text.partition(".")
        if len(text) > _LONGEST or not dot:
            raise ValueError
        payload = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode("ascii")
        content = json.loads(payload)
        if not isinstance(content, list) or len(content) < _LEAST or type(content[0]) is not int:
            raise ValueError
    except (ValueError, binascii.Error, RecursionError):
        raise NotPermitted(
            "This URL is incomplete or was changed; ask for a new one.", code="forged_url"
        ) from None
    return payload, signature, content
