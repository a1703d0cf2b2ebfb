"""Passwords: what will do, and how they are kept (Argon2id, RFC 9106).

The parameters are at OWASP's recommended minimum of memory (19 MiB) with one pass more: about 50 ms on one
core, so that a few log-ins at once do not take the machine.
"""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from modelkeep.domain.errors import InvalidInput

MIN_LENGTH = 8
"""Characters; length is what counts, so there is no rule about kinds of characters."""

MAX_LENGTH = 1000
"""Characters; a limit so that hashing costs the same for everybody."""

_HASHER = PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)


def check_password(password: str) -> None:
    """Checks that a password which somebody chooses over the network is strong enough.

    Raises:
        InvalidInput: It is too short, or repeats one character.
    """
    if len(password) < MIN_LENGTH:
        raise InvalidInput(f"A password has at least {MIN_LENGTH} characters.", code="password_too_short")
    if len(set(password)) == 1:
        raise InvalidInput(
            "A password needs more than one character over and over.", code="password_too_simple"
        )


def hash_password(password: str) -> str:
    """Hashes a new password, for storing. How strong it must be is :func:`check_password`'s matter.

    Raises:
        InvalidInput: It is empty or too long, or holds a control character.
    """
    if not password:
        raise InvalidInput("A password has at least one character.", code="password_too_short")
    if len(password) > MAX_LENGTH:
        raise InvalidInput(f"A password has at most {MAX_LENGTH} characters.", code="password_too_long")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in password):
        raise InvalidInput("A password holds no control characters.", code="invalid_password")
    return _HASHER.hash(_prepared(password))


def verify(password: str, stored: str | None) -> bool:
    """Whether this is the password behind a stored hash.

    With None (no such user, or no password set) it takes as long and says no, so that the time does not tell
    who has an account.
    """
    if len(password) > MAX_LENGTH:
        password, stored = "", None
    try:
        _HASHER.verify(stored if stored is not None else _nobodys_hash(), _prepared(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether a hash was made with other parameters than new ones are; hash again at the next log-in."""
    try:
        return _HASHER.check_needs_rehash(stored)
    except InvalidHashError:
        return True


def _prepared(password: str) -> bytes:
    """The same bytes for a password however it was composed (NFC, as RFC 8265, section 4.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash(secrets.token_bytes(32))
