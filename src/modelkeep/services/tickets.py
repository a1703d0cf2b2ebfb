"""Tickets: what makes a transfer URL work without any header.

A ticket names one act (upload, download, one part, …) on one object of one repo by one actor until a time, and is
signed. It is no credential: when it is used the actor's rights are looked up again, so a revoked token's tickets end
with it.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum

from modelkeep.domain.access import Actor
from modelkeep.domain.errors import NotPermitted
from modelkeep.services.ports import Rules, Stores

_LONGEST = 1024
_SLOWEST = 256 * 1024


class Act(StrEnum):
    """What a ticket is for."""

    DOWNLOAD = "download"
    UPLOAD = "upload"
    RESUME = "resume"
    PART = "part"
    COMPLETE = "complete"
    VERIFY = "verify"
    READ = "read"
    """Download a file that Git keeps."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What was signed.

    ``oid`` is an LFS object's, or Git's id of a file (for :attr:`Act.READ`); ``part`` the number of a part (0 for
    none); ``expires_at`` in seconds since 1970.
    """

    act: Act
    repo_id: str
    oid: str
    size: int
    user_id: int | None
    token_id: int | None
    expires_at: int
    part: int = 0


class Tickets:
    """Writes and reads tickets."""

    def __init__(self, stores: Stores, rules: Rules) -> None:
        self._stores = stores
        self._rules = rules

    def lifetime(self, size: int) -> timedelta:
        """How long a ticket for an object of ``size`` bytes lives: longer for what takes long to send."""
        return self._rules.url_lifetime + timedelta(seconds=size // _SLOWEST)

    def issue(self, act: Act, actor: Actor, repo_id: str, oid: str, size: int, part: int = 0) -> str:
        """Signs a ticket."""
        expires_at = int((self._stores.now() + self.lifetime(size)).timestamp())
        ticket = Ticket(act, repo_id, oid, size, actor.user_id, actor.token_id, expires_at, part)
        payload = json.dumps(list(asdict(ticket).values()), separators=(",", ":")).encode()
        signature = self._stores.signer.sign("lfs", {"ticket": payload.decode()}, expires_at)
        return f"{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.{signature}"

    def read(self, text: str, *acts: Act) -> Ticket:
        """Checks a ticket.

        Raises:
            NotPermitted: It is forged or cut, has expired, or is for another act.
        """
        ticket, payload, signature = _decode(text)
        self._stores.signer.verify(
            "lfs", {"ticket": payload}, ticket.expires_at, signature, now=int(self._stores.now().timestamp())
        )
        if ticket.act not in acts:
            raise NotPermitted(f"This URL is for {ticket.act}, nothing else.", code="forged_url")
        return ticket


def _decode(text: str) -> tuple[Ticket, str, str]:
    try:
        if len(text) > _LONGEST:
            raise ValueError
        encoded, dot, signature = text.partition(".")
        payload = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode("ascii")
        act, repo_id, oid, size, user_id, token_id, expires_at, part = json.loads(payload)
        numbers_are_right = all(type(n) is int and n >= 0 for n in (size, expires_at, part)) and all(
            n is None or type(n) is int for n in (user_id, token_id)
        )
        if not dot or not numbers_are_right or not isinstance(repo_id, str):
            raise ValueError
        return (
            Ticket(Act(act), repo_id, str(oid), size, user_id, token_id, expires_at, part),
            payload,
            signature,
        )
    except (ValueError, TypeError, binascii.Error, UnicodeError, RecursionError):
        raise NotPermitted(
            "This URL is incomplete or was changed; ask for a new one.", code="forged_url"
        ) from None
