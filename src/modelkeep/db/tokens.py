"""Personal access tokens; of the secret only a hash is here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, insert, or_, select, update

from modelkeep.db.accounts import USER_COLUMNS, user_of
from modelkeep.db.tables import Namespaces, Tokens, Users
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Scope
from modelkeep.domain.accounts import Token, User
from modelkeep.domain.errors import AlreadyExists

TOUCH_EVERY = timedelta(minutes=1)
"""How exact "last used" is: a busy token costs one write in this time."""

_COLUMNS = (
    Tokens.id.label("token_id"),
    Tokens.user_id,
    Tokens.name.label("token_name"),
    Tokens.hint,
    Tokens.scopes,
    Tokens.limits,
    Tokens.created_at.label("token_created_at"),
    Tokens.expires_at,
    Tokens.last_used_at,
    Tokens.revoked_at,
)

# Made once: every request looks its token up, and making a statement takes longer than running it.
_WITH_USER = (
    select(*USER_COLUMNS, *_COLUMNS)
    .select_from(Tokens)
    .join(Users, Users.id == Tokens.user_id)
    .join(Namespaces, Namespaces.id == Users.id)
)
_BY_HASH = _WITH_USER.where(Tokens.secret_hash == bindparam("sought"))
_BY_ID = _WITH_USER.where(Tokens.id == bindparam("sought"))


def create_token(
    tx: Transaction,
    *,
    user_id: int,
    name: str,
    secret_hash: bytes,
    hint: str,
    scopes: Iterable[Scope],
    limits: Iterable[str],
    now: datetime,
    expires_at: datetime | None,
) -> Token:
    """Stores a token. ``limits`` are folded ``namespace`` or ``namespace/repo`` names; none for no limit.

    Raises:
        AlreadyExists: A token with the same secret is there.
        Conflict: There is no such user.
    """
    kept_scopes, kept_limits = frozenset(scopes), frozenset(limits)
    with tx.unique(AlreadyExists("This token exists already; make another secret.", code="token_exists")):
        number: int = tx.execute(
            insert(Tokens)
            .values(
                user_id=user_id,
                name=name,
                secret_hash=secret_hash,
                hint=hint,
                scopes=" ".join(sorted(kept_scopes)),
                limits=" ".join(sorted(kept_limits)),
                created_at=now,
                expires_at=expires_at,
            )
            .returning(Tokens.id)
        ).scalar_one()
    return Token(number, user_id, name, hint, kept_scopes, kept_limits, now, expires_at, None, None)


def token_by_hash(tx: Transaction, secret_hash: bytes) -> tuple[Token, User] | None:
    """The token with this hash and its user, in one query, even if revoked, expired or of a shut account."""
    return _token_with_user(tx, _BY_HASH, sought=secret_hash)


def token_with_user(tx: Transaction, token_id: int) -> tuple[Token, User] | None:
    """The token of this number and whose it is."""
    return _token_with_user(tx, _BY_ID, sought=token_id)


def touch_token(tx: Transaction, token_id: int, now: datetime) -> None:
    """Notes that a token was used, unless that was noted within :data:`TOUCH_EVERY`."""
    tx.execute(
        update(Tokens)
        .where(
            Tokens.id == token_id,
            or_(Tokens.last_used_at.is_(None), Tokens.last_used_at <= now - TOUCH_EVERY),
        )
        .values(last_used_at=now)
    )


def list_tokens(tx: Transaction, user_id: int) -> list[Token]:
    """All tokens of a user, newest first, revoked and expired ones included."""
    rows = tx.execute(select(*_COLUMNS).where(Tokens.user_id == user_id).order_by(Tokens.id.desc()))
    return [_token_of(row) for row in rows]


def revoke_token(tx: Transaction, token_id: int, now: datetime) -> bool:
    """Ends a token for good; False where there is none, or it was revoked before."""
    statement = update(Tokens).where(Tokens.id == token_id, Tokens.revoked_at.is_(None))
    return tx.execute(statement.values(revoked_at=now)).rowcount > 0


def _token_with_user(
    tx: Transaction, statement: Select[*tuple[Any, ...]], **sought: Any
) -> tuple[Token, User] | None:
    row = tx.execute(statement, sought).first()
    return (_token_of(row), user_of(row)) if row is not None else None


def _token_of(row: Row[*tuple[Any, ...]]) -> Token:
    return Token(
        id=row.token_id,
        user_id=row.user_id,
        name=row.token_name,
        hint=row.hint,
        scopes=frozenset(Scope(scope) for scope in row.scopes.split()),
        limits=frozenset(row.limits.split()),
        created_at=row.token_created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
