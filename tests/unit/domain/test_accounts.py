from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from modelkeep.domain.access import ALL_SCOPES
from modelkeep.domain.accounts import Token

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
TOKEN = Token(1, 2, "laptop", "x9Yz", ALL_SCOPES, frozenset(), NOW, None, None, None)
SECOND = timedelta(seconds=1)


def test_a_token_without_an_end_is_valid() -> None:
    assert TOKEN.is_valid_at(NOW + timedelta(days=10_000))


def test_a_token_ends_at_its_end() -> None:
    token = replace(TOKEN, expires_at=NOW)
    assert token.is_valid_at(NOW - SECOND)
    assert not token.is_valid_at(NOW)


def test_a_revoked_token_is_never_valid() -> None:
    assert not replace(TOKEN, revoked_at=NOW, expires_at=NOW + SECOND).is_valid_at(NOW - SECOND)
