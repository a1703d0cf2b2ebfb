"""From credentials to an actor: tokens by their hash, passwords by argon2 with throttling."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelkeep.db import accounts, attempts, tokens
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor, anonymous
from modelkeep.domain.accounts import Token, User
from modelkeep.domain.errors import RateLimited, Unauthenticated
from modelkeep.domain.names import fold
from modelkeep.identity import passwords, secrets
from modelkeep.services.ports import Rules, Stores

_TOUCH_EVERY = timedelta(minutes=1)
_LONGEST_WAIT = 900
_NAMES_PER_ADDRESS = 20
_FORGET_AFTER = timedelta(hours=1)


class Authentication:
    """Finds out who asks."""

    def __init__(self, stores: Stores, rules: Rules) -> None:
        self._stores = stores
        self._rules = rules

    def anonymous(self, address: str, door: str) -> Actor:
        """The actor for a request without credentials."""
        return anonymous(address, door)

    def by_token(self, secret: str, address: str, door: str) -> Actor:
        """The actor behind a personal access token.

        Raises:
            Unauthenticated: The token is unknown, expired or revoked, or its user disabled.
        """
        actor = self._token_actor(secret, address, door)
        if actor is None:
            raise _wrong()
        return actor

    def by_basic(self, username: str, secret: str, address: str, door: str) -> Actor:
        """The actor behind Basic credentials: a token under any user name, or a user's own password.

        Raises:
            Unauthenticated: Neither fits.
            RateLimited: Too many wrong passwords for this name and address.
        """
        actor = self._token_actor(secret, address, door)
        if actor is not None:
            return actor
        if secrets.is_token(secret):
            raise _wrong()  # an old token is no guess at a password
        return self.by_password(username, secret, address, door)

    def by_password(self, username: str, password: str, address: str, door: str) -> Actor:
        """The actor behind a user name and a password, with all scopes.

        Raises:
            Unauthenticated: They do not fit.
            RateLimited: Too many wrong passwords for this name and address.
        """
        allowed = self._rules.login_failures_allowed
        # One guesser of one name, and one guesser of many names.
        keys = {f"{fold(username)[:64]}|{address}": allowed, f"|{address}": allowed * _NAMES_PER_ADDRESS}
        now = self._stores.now()
        with self._stores.database.read() as tx:
            failures = {key: attempts.recorded_failures(tx, key) for key in keys}
            user = accounts.user_by_name(tx, username)
            stored = accounts.password_hash_of(tx, user.id) if user else None
        for key, limit in keys.items():
            _refuse_if_throttled(failures[key], limit, now)
        if not passwords.verify(password, stored) or user is None or user.is_disabled:
            with self._stores.database.write() as tx:
                for key in keys:
                    attempts.record_failure(tx, key, now, since=now - _FORGET_AFTER)
            raise _wrong()
        if any(failures.values()):
            with self._stores.database.write() as tx:
                attempts.clear(tx, next(iter(keys)))
        return _actor(user, None, address, door)

    def by_ids(self, user_id: int | None, token_id: int | None, address: str, door: str) -> Actor:
        """The actor to whom a signed URL was given, with the rights of now.

        Raises:
            Unauthenticated: The user was disabled or the token revoked since.
        """
        if user_id is None:
            return anonymous(address, door)
        with self._stores.database.read() as tx:
            return present_actor(tx, user_id, token_id, address, door, self._stores.now())

    def forget_failures(self) -> int:
        """Removes wrong passwords from so long ago that they count no more; gives for how many names and addresses."""
        with self._stores.database.write() as tx:
            return attempts.sweep(tx, self._stores.now() - _FORGET_AFTER)

    def _token_actor(self, secret: str, address: str, door: str) -> Actor | None:
        if not secret:
            return None
        with self._stores.database.read() as tx:
            found = tokens.token_by_hash(tx, secrets.hash_secret(secret))
        if found is None:
            return None
        token, user = found
        now = self._stores.now()
        if not token.is_valid_at(now) or user.is_disabled:
            return None
        if token.last_used_at is None or now - token.last_used_at > _TOUCH_EVERY:
            with self._stores.database.write() as tx:
                tokens.touch_token(tx, token.id, now)
        return _actor(user, token, address, door)


def present_actor(
    tx: Transaction, user_id: int, token_id: int | None, address: str, door: str, now: datetime
) -> Actor:
    """An actor who was let in before, with the rights of now.

    Raises:
        Unauthenticated: The user was disabled or the token revoked since, or it has expired.
    """
    if token_id is not None:
        found = tokens.token_with_user(tx, token_id)
        if found is None or not found[0].is_valid_at(now) or found[1].is_disabled:
            raise _wrong()
        return _actor(found[1], found[0], address, door)
    user = accounts.user_by_id(tx, user_id)
    if user is None or user.is_disabled:
        raise _wrong()
    return _actor(user, None, address, door)


def _refuse_if_throttled(failures: tuple[int, datetime] | None, allowed: int, now: datetime) -> None:
    if failures is None:
        return
    count, last = failures
    over = count - allowed
    if over < 0 or now - last > _FORGET_AFTER:
        return
    wait = min(2 ** min(over, 10), _LONGEST_WAIT) - int((now - last).total_seconds())
    if wait > 0:
        raise RateLimited(
            f"Too many wrong passwords from this address; try again in {wait} s.",
            retry_after=wait,
            code="too_many_attempts",
        )


def _actor(user: User, token: Token | None, address: str, door: str) -> Actor:
    actor = Actor(
        user_id=user.id,
        username=user.name,
        full_name=user.full_name,
        email=user.email,
        is_hub_admin=user.is_hub_admin,
        address=address,
        door=door,
    )
    if token is None:
        return actor
    return Actor(
        user_id=user.id,
        username=user.name,
        full_name=user.full_name,
        email=user.email,
        is_hub_admin=user.is_hub_admin,
        token_id=token.id,
        scopes=token.scopes,
        limits=token.limits,
        address=address,
        door=door,
    )


def _wrong() -> Unauthenticated:
    return Unauthenticated(
        "These credentials are not valid: an unknown, expired or revoked token, or a wrong name or password.",
        code="bad_credentials",
    )
