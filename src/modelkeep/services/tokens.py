"""Personal access tokens: create (the secret is shown once), list, revoke."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from modelkeep.db import accounts, tokens
from modelkeep.domain.access import ALL_SCOPES, Action, Actor, Scope, scopes_allow
from modelkeep.domain.accounts import Token
from modelkeep.domain.errors import AlreadyExists, InvalidInput, NotFound, NotPermitted, Unauthenticated
from modelkeep.domain.names import RepoName, fold, parse_namespace
from modelkeep.identity import secrets
from modelkeep.services.access import require_hub_admin
from modelkeep.services.audit import record
from modelkeep.services.ports import Stores

_LONGEST_NAME = 100
_SHORTEST_GIVEN_SECRET = 8


class Tokens:
    """The tokens of users."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def create(
        self,
        actor: Actor,
        *,
        name: str,
        scopes: Iterable[Scope],
        limits: Iterable[str] = (),
        expires_at: datetime | None = None,
        user: str | None = None,
        secret: str | None = None,
    ) -> tuple[Token, str]:
        """Makes a token for the actor, or (by an administrator) for ``user``.

        Args:
            actor: Signed in with a password or a token of scope ``admin``.
            name: What it is for.
            scopes: What it may be used for; not more than the actor's own.
            limits: ``namespace`` or ``namespace/repo`` names that it reaches; none for all.
            expires_at: When it ends; None for never.
            user: Whose it is; None for the actor's own.
            secret: A secret chosen beforehand (unattended starts); None for a new one.

        Returns:
            The token and its secret, which is not stored.

        Raises:
            NotPermitted: The actor may not make such a token.
            InvalidInput: No scope, a bad limit, or an end in the past.
        """
        self._require(actor, user)
        wanted = frozenset(scopes)
        folded = frozenset(_limit(limit) for limit in limits)
        self._check(actor, name, wanted, folded, expires_at)
        if secret is not None and len(secret) < _SHORTEST_GIVEN_SECRET:
            raise InvalidInput(
                f"A token has at least {_SHORTEST_GIVEN_SECRET} characters.", code="token_too_short"
            )
        chosen = secret or secrets.new_token()
        with self._stores.database.write() as tx:
            owner = accounts.user_by_name(tx, user) if user else accounts.user_by_id(tx, actor.user_id or 0)
            if owner is None:
                raise NotFound(f"There is no user '{user}'.", code="user_not_found")
            try:
                token = tokens.create_token(
                    tx,
                    user_id=owner.id,
                    name=name.strip(),
                    secret_hash=secrets.hash_secret(chosen),
                    hint=chosen[-4:],
                    scopes=wanted,
                    limits=folded,
                    now=self._stores.now(),
                    expires_at=expires_at,
                )
            except AlreadyExists:
                raise AlreadyExists(
                    "This secret is a token already; choose another.", code="token_exists"
                ) from None
            record(
                tx,
                actor,
                "token.create",
                owner.name,
                namespace_id=owner.id,
                token=token.id,
                scopes=",".join(sorted(wanted)),
                limits=",".join(sorted(folded)),
            )
        return token, chosen

    def list(self, actor: Actor, user: str | None = None) -> list[Token]:
        """The actor's tokens, or (for an administrator) those of ``user``; never their secrets."""
        self._require_signed_in(actor)
        with self._stores.database.read() as tx:
            owner = accounts.user_by_name(tx, user) if user else accounts.user_by_id(tx, actor.user_id or 0)
            if owner is None or (owner.id != actor.user_id and not actor.is_hub_admin):
                raise NotFound(f"There is no user '{user}'.", code="user_not_found")
            if owner.id != actor.user_id:
                require_hub_admin(actor)
            return tokens.list_tokens(tx, owner.id)

    def current(self, actor: Actor) -> Token | None:
        """The token that the actor uses now."""
        if actor.token_id is None:
            return None
        with self._stores.database.read() as tx:
            found = tokens.token_with_user(tx, actor.token_id)
        return found[0] if found else None

    def revoke(self, actor: Actor, token_id: int) -> None:
        """Ends a token at once; a token may always end itself.

        Raises:
            NotFound: The actor has no such token.
        """
        self._require_signed_in(actor)
        with self._stores.database.write() as tx:
            found = tokens.token_with_user(tx, token_id)
            if found is None or (found[1].id != actor.user_id and not actor.is_hub_admin):
                raise NotFound(f"There is no token {token_id}.", code="token_not_found")
            if found[1].id != actor.user_id:
                require_hub_admin(actor)
            if token_id != actor.token_id and not scopes_allow(actor.scopes, Action.ADMINISTER):
                raise NotPermitted("Revoking another token needs scope admin.", code="scope_missing")
            tokens.revoke_token(tx, token_id, self._stores.now())
            record(tx, actor, "token.revoke", found[1].name, namespace_id=found[1].id, token=token_id)

    def _require(self, actor: Actor, user: str | None) -> None:
        self._require_signed_in(actor)
        if not scopes_allow(actor.scopes, Action.ADMINISTER):
            raise NotPermitted(
                "Making tokens needs your password or a token with scope admin.", code="scope_missing"
            )
        if user is not None and fold(user) != fold(actor.username):
            if not actor.is_hub_admin:
                raise NotPermitted("Only an administrator makes tokens for others.", code="admin_needed")
            require_hub_admin(actor)

    def _require_signed_in(self, actor: Actor) -> None:
        if actor.is_anonymous:
            raise Unauthenticated("Sign in first: send a token (or user name and password).")

    def _check(
        self,
        actor: Actor,
        name: str,
        scopes: frozenset[Scope],
        limits: frozenset[str],
        expires_at: datetime | None,
    ) -> None:
        if not 0 < len(name.strip()) <= _LONGEST_NAME:
            raise InvalidInput(f"A token's name has 1 to {_LONGEST_NAME} characters.", code="invalid_name")
        if not scopes:
            raise InvalidInput(
                f"Choose at least one scope of {', '.join(sorted(ALL_SCOPES))}.", code="invalid_scope"
            )
        if expires_at is not None and expires_at <= self._stores.now():
            raise InvalidInput("The token would end in the past.", code="invalid_expiry")
        current = self.current(actor)
        end = current.expires_at if current else None
        if end is not None and (expires_at is None or expires_at > end):
            raise NotPermitted(
                "A token with an end makes no token that outlives it; sign in with your password instead.",
                code="scope_missing",
            )
        if actor.limits and not (limits and all(actor.is_within_limits(limit) for limit in limits)):
            raise NotPermitted(
                "A token with limits makes no token that reaches further.", code="scope_missing"
            )


def _limit(text: str) -> str:
    return (
        str(RepoName.parse(text)).casefold() if "/" in text else fold(parse_namespace(text, reserved_ok=True))
    )
