"""People, organisations, memberships and tokens, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelkeep.domain.access import Role, Scope, Visibility


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account. ``id`` is also the id of the user's namespace."""

    id: int
    name: str
    full_name: str
    email: str
    is_hub_admin: bool
    is_disabled: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Namespace:
    """What repos are named under: a user or an organisation (a tenant)."""

    id: int
    name: str
    full_name: str
    is_organisation: bool
    default_visibility: Visibility
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody's role in an organisation or a repo."""

    user_id: int
    username: str
    full_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Token:
    """A personal access token; the secret itself is shown once and stored only as a hash.

    ``limits`` are folded ``namespace`` or ``namespace/repo`` names; empty means no limit. ``hint`` is the end of the
    secret, to recognise it by.
    """

    id: int
    user_id: int
    name: str
    hint: str
    scopes: frozenset[Scope]
    limits: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def is_valid_at(self, now: datetime) -> bool:
        """Whether it may be used at ``now``."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
